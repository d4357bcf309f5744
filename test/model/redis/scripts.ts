import { lauxlib, lua, lualib, to_jsstring, to_luastring } from 'fengari';
import type { State } from 'fengari';
import type { MemoryRedis, Reply } from './commands';
import { ReplyError } from './commands';

/**
 * Runs the store's Lua scripts, text for text, on a Lua in this process. Lua 5.3 in place of the server's
 * 5.1 differs for them in two ways that are put right here: `unpack` has another home, and whole numbers
 * are integers, which is what the server's replies are anyway.
 */
export class ScriptEngine {
  readonly #state: State;
  /** Text → its compiled function in the registry. */
  readonly #compiled = new Map<string, number>();
  readonly #decoded = new Map<string, number>();
  #db: MemoryRedis | null = null;

  constructor() {
    this.#state = lauxlib.luaL_newstate();
    lualib.luaL_openlibs(this.#state);
    this.#install();
  }

  /** Throws a ReplyError when the script fails. */
  run(db: MemoryRedis, text: string, keys: readonly string[], args: readonly string[]): Reply {
    const state = this.#state;
    lua.lua_settop(state, 0);
    pushList(state, keys);
    lua.lua_setglobal(state, toLua('KEYS'));
    pushList(state, args);
    lua.lua_setglobal(state, toLua('ARGV'));
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.#compile(text));
    this.#db = db;
    try {
      if (lua.lua_pcall(state, 0, 1, 0) !== lua.LUA_OK) {
        throw new ReplyError(`ERR ${fromLua(lua.lua_tostring(state, -1))}`);
      }
      return replyAt(state, -1);
    } finally {
      this.#db = null;
      lua.lua_settop(state, 0);
    }
  }

  #compile(text: string): number {
    const known = this.#compiled.get(text);
    if (known !== undefined) return known;
    const state = this.#state;
    if (lauxlib.luaL_loadstring(state, toLua(text)) !== lua.LUA_OK) {
      throw new ReplyError(`ERR ${fromLua(lua.lua_tostring(state, -1))}`);
    }
    const compiled = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
    this.#compiled.set(text, compiled);
    return compiled;
  }

  #install(): void {
    const state = this.#state;
    lua.lua_createtable(state, 0, 1);
    lua.lua_pushcfunction(state, () => this.#call());
    lua.lua_setfield(state, -2, toLua('call'));
    lua.lua_setglobal(state, toLua('redis'));
    lua.lua_createtable(state, 0, 2);
    lua.lua_pushcfunction(state, (at) => {
      this.#pushDecoded(at, fromLua(lua.lua_tostring(at, 1)));
      return 1;
    });
    lua.lua_setfield(state, -2, toLua('decode'));
    lua.lua_pushcfunction(state, (at) => {
      lua.lua_pushstring(at, toLua(JSON.stringify(jsonAt(at, 1))));
      return 1;
    });
    lua.lua_setfield(state, -2, toLua('encode'));
    lua.lua_setglobal(state, toLua('cjson'));
    lua.lua_getglobal(state, toLua('table'));
    lua.lua_getfield(state, -1, toLua('unpack'));
    lua.lua_setglobal(state, toLua('unpack'));
    lua.lua_settop(state, 0);
  }

  /** No script changes what it has decoded, so a text is decoded once. */
  #pushDecoded(state: State, text: string): void {
    const present = this.#decoded.get(text);
    if (present !== undefined) {
      lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, present);
      return;
    }
    if (this.#decoded.size >= decodedMax) {
      for (const ref of this.#decoded.values()) {
        lauxlib.luaL_unref(state, lua.LUA_REGISTRYINDEX, ref);
      }
      this.#decoded.clear();
    }
    pushJson(state, JSON.parse(text));
    this.#decoded.set(text, lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX));
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.#decoded.get(text) ?? 0);
  }

  #call(): number {
    const state = this.#state;
    const count = lua.lua_gettop(state);
    const args: string[] = [];
    for (let at = 1; at <= count; at += 1) args.push(fromLua(lua.lua_tostring(state, at)));
    const [name = '', ...rest] = args;
    try {
      if (this.#db === null) throw new ReplyError('ERR no server');
      pushReply(state, this.#db.run(name, rest));
      return 1;
    } catch (error) {
      lua.lua_pushstring(state, toLua((error as Error).message));
      return lua.lua_error(state);
    }
  }
}

function pushList(state: State, items: readonly string[]): void {
  lua.lua_createtable(state, items.length, 0);
  items.forEach((item, at) => {
    lua.lua_pushstring(state, toLua(item));
    lua.lua_rawseti(state, -2, at + 1);
  });
}

/** Texts go to and fro all the time, mostly the same ones; neither side changes bytes in place. */
const known = new Map<string, Uint8Array>();
const texts = new WeakMap<Uint8Array, string>();
const knownMax = 20_000;
const decodedMax = 2_000;

function toLua(text: string): Uint8Array {
  const present = known.get(text);
  if (present !== undefined) return present;
  if (known.size >= knownMax) known.clear();
  const bytes = to_luastring(text);
  known.set(text, bytes);
  texts.set(bytes, text);
  return bytes;
}

function fromLua(bytes: Uint8Array): string {
  const present = texts.get(bytes);
  if (present !== undefined) return present;
  const text = to_jsstring(bytes);
  texts.set(bytes, text);
  return text;
}

/** As the server does: nothing is `false`, a status is a table. */
function pushReply(state: State, reply: Reply): void {
  if (reply === null) lua.lua_pushboolean(state, false);
  else if (typeof reply === 'number') lua.lua_pushinteger(state, reply);
  else if (typeof reply === 'string') lua.lua_pushstring(state, toLua(reply));
  else if (Array.isArray(reply)) {
    lua.lua_createtable(state, reply.length, 0);
    reply.forEach((item, at) => {
      pushReply(state, item);
      lua.lua_rawseti(state, -2, at + 1);
    });
  } else {
    lua.lua_createtable(state, 0, 1);
    lua.lua_pushstring(state, toLua(reply.status));
    lua.lua_setfield(state, -2, toLua('ok'));
  }
}

/** As the server does: numbers lose their fraction, `false` is nothing, a table ends at its first hole. */
function replyAt(state: State, at: number): Reply {
  switch (lua.lua_type(state, at)) {
    case lua.LUA_TNUMBER:
      return Math.trunc(lua.lua_tonumber(state, at));
    case lua.LUA_TSTRING:
      return fromLua(lua.lua_tostring(state, at));
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, at) ? 1 : null;
    case lua.LUA_TTABLE:
      return listAt(state, at);
    default:
      return null;
  }
}

function listAt(state: State, at: number): Reply {
  const table = at < 0 ? lua.lua_gettop(state) + at + 1 : at;
  const items: Reply[] = [];
  for (let ordinal = 1; ; ordinal += 1) {
    const type = lua.lua_rawgeti(state, table, ordinal);
    if (type !== lua.LUA_TNIL) items.push(replyAt(state, -1));
    lua.lua_pop(state, 1);
    if (type === lua.LUA_TNIL) return items;
  }
}

function pushJson(state: State, value: unknown): void {
  if (typeof value === 'string') lua.lua_pushstring(state, toLua(value));
  else if (typeof value === 'boolean') lua.lua_pushboolean(state, value);
  else if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) lua.lua_pushinteger(state, value);
    else lua.lua_pushnumber(state, value);
  } else if (Array.isArray(value)) {
    lua.lua_createtable(state, value.length, 0);
    value.forEach((item, at) => {
      pushJson(state, item);
      lua.lua_rawseti(state, -2, at + 1);
    });
  } else if (typeof value === 'object' && value !== null) {
    lua.lua_createtable(state, 0, 8);
    for (const [name, member] of Object.entries(value)) {
      pushJson(state, member);
      lua.lua_setfield(state, -2, toLua(name));
    }
  } else {
    // The server has a value of its own for null; no script looks at one.
    lua.lua_pushboolean(state, false);
  }
}

function jsonAt(state: State, at: number): unknown {
  if (lua.lua_type(state, at) !== lua.LUA_TTABLE) return replyAt(state, at);
  if (lua.lua_rawlen(state, at) > 0) return listAt(state, at);
  throw new ReplyError('ERR only lists and plain values are encoded');
}

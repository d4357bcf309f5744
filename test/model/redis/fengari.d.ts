/** The part of Lua's C interface, as fengari has it, that running scripts needs. */
declare module 'fengari' {
  export interface State {
    readonly lua_State: never;
  }
  type CFunction = (state: State) => number;

  export function to_luastring(text: string): Uint8Array;
  export function to_jsstring(bytes: Uint8Array): string;

  export const lua: {
    readonly LUA_OK: number;
    readonly LUA_MULTRET: number;
    readonly LUA_REGISTRYINDEX: number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TTABLE: number;
    lua_createtable(state: State, items: number, members: number): void;
    lua_gettop(state: State): number;
    lua_settop(state: State, top: number): void;
    lua_type(state: State, at: number): number;
    lua_toboolean(state: State, at: number): boolean;
    lua_tonumber(state: State, at: number): number;
    lua_isinteger(state: State, at: number): boolean;
    lua_tostring(state: State, at: number): Uint8Array;
    lua_pushnil(state: State): void;
    lua_pushboolean(state: State, value: boolean): void;
    lua_pushinteger(state: State, value: number): void;
    lua_pushnumber(state: State, value: number): void;
    lua_pushstring(state: State, bytes: Uint8Array): void;
    lua_pushcfunction(state: State, run: CFunction): void;
    lua_rawseti(state: State, table: number, at: number): void;
    lua_rawgeti(state: State, table: number, at: number): number;
    lua_rawlen(state: State, at: number): number;
    lua_setfield(state: State, table: number, name: Uint8Array): void;
    lua_getfield(state: State, table: number, name: Uint8Array): number;
    lua_setglobal(state: State, name: Uint8Array): void;
    lua_getglobal(state: State, name: Uint8Array): number;
    lua_pcall(state: State, args: number, results: number, handler: number): number;
    lua_next(state: State, table: number): number;
    lua_pop(state: State, count: number): void;
    lua_error(state: State): number;
  };
  export const lauxlib: {
    luaL_newstate(): State;
    luaL_loadstring(state: State, text: Uint8Array): number;
    luaL_ref(state: State, table: number): number;
    luaL_unref(state: State, table: number, ref: number): void;
  };
  export const lualib: { luaL_openlibs(state: State): void };
}

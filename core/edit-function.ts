/** Every hidden field begins so. */
const prefix = '_miroir_';

/**
 * A function of `documents/edit` as the nodes get it: around the client's text stand statements that
 * take the hidden fields out of `doc` before it runs and put just these back after it, whatever it did
 * to `doc`. A document that the function deletes, by setting `doc` to `()`, stays deleted.
 *
 * The text must compile alone, as the engine itself demands: then it closes no brace that it did not
 * open and cannot break out of the block it is put into. It begins on a line of its own, the second,
 * and a comment at its end hides nothing, as a line break follows.
 */
export function wrapEditFunction(text: string): string {
  const kept = unusedName('miroir_kept', text);
  const edit = unusedName('miroir_edit', text);
  const isHidden = `k.starts_with("${prefix}")`;
  return [
    `let ${kept} = #{}; for k in doc.keys() { if ${isHidden} { ${kept}[k] = doc.remove(k); } } let ${edit} = || {`,
    text,
    `}; ${edit}.call(); if type_of(doc) == "map" { for k in doc.keys() { if ${isHidden} { doc.remove(k); } } doc.mixin(${kept}); }`,
  ].join('\n');
}

/** A name that the text cannot reach, as it does not contain it. */
function unusedName(base: string, text: string): string {
  for (let i = 0; ; i += 1) {
    const name = `${base}_${String(i)}`;
    if (!text.includes(name)) return name;
  }
}

/**
 * A node's error of the wrapped function with the places as the client counts them, and without the
 * names of what stands around it.
 */
export function unwrapEditError(message: string): string {
  return message
    .replaceAll(
      /\(line (\d+), position/g,
      (_, line: string) => `(line ${String(Number(line) - 1)}, position`,
    )
    .replaceAll(/ ?@ 'miroir_\w+'/g, '');
}

/**
 * With `MIROIR_PARENT=1` the process ends when its parent does: the parent holds the other end of the
 * standard input, which the kernel closes however the parent dies.
 */
export function watchParent(env: NodeJS.ProcessEnv, leave: () => void): void {
  if (env['MIROIR_PARENT'] !== '1') return;
  process.stdin.once('end', leave);
  process.stdin.once('error', leave);
  process.stdin.resume();
}

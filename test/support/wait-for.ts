// Waits for a condition instead of for a fixed time.

const LOOK_MS = 5;
const PATIENCE_MS = 20_000;

/**
 * Resolves when the condition holds.
 * @throws Error that names the condition, after `ms`
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms: number = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

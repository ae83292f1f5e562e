// How long tests wait for what should happen at once.

/**
 * Only a test that fails waits this long. It is far longer than anything takes on a machine that does much else, and shorter than
 * the limit of a test (`vitest.config.ts`), so that the error says what did not happen.
 */
export const DEADLINE_MS = 60_000;

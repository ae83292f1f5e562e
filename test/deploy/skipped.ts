// Says why a test is skipped.

/** Says on standard error why something is skipped. */
export function sayIfSkipped({ issue }: { readonly issue: string | null }): void {
	if (issue !== null) process.stderr.write(`skipped: ${issue}\n`);
}

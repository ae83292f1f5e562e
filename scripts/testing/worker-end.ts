// What a test process ends after its last file. Several files may share the process, so a hook of one of them would be too early.

const ends: (() => Promise<void>)[] = [];

/** Calls `end` when no further test file comes to this process. */
export function atEndOfWorker(end: () => Promise<void>): void {
	ends.push(end);
}

/** Ends what was left for the end. */
export async function endWorker(): Promise<void> {
	await Promise.all(ends.splice(0).map((end) => end()));
}

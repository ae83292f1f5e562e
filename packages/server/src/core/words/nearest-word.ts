// Finds the known word that somebody most likely meant, for messages that refuse an unknown one.

/** The known word that is nearest to a given one, if it is at most `most` edits away; null if none is. Upper and lower case are the same. */
export function nearestWord(given: string, known: readonly string[], most: number): string | null {
	const wanted = given.toLowerCase();
	// A word whose length differs by more has a greater distance.
	const [nearest] = known
		.filter(({ length }) => Math.abs(length - given.length) <= most)
		.map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
		.toSorted((a, b) => a.distance - b.distance);
	return nearest !== undefined && nearest.distance <= most ? nearest.candidate : null;
}

/** The Levenshtein distance of two texts, computed row by row. */
function editDistance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[b.length] ?? 0;
}

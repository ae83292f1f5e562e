// How much a project may have of what all projects share.

/**
 * The share that a project may have of what the other projects leave free: places in flight, room in the ready queue,
 * claims, sends that wait. Alone it has three quarters of everything. The rest stays free, so that a project that comes later gets some
 * at once, however long the first one keeps what it has.
 */
const SHARE = 0.75;

/** How much one project may have of `max`, if all projects together use `used` of it, and this one `own`. */
export function shareOf(max: number, used: number, own: number): number {
	return (max - used + own) * SHARE;
}

/** The same in whole things, and one at least. Whether one is free is for the caller to check. */
export function wholeShareOf(max: number, used: number, own: number): number {
	return Math.max(1, Math.floor(shareOf(max, used, own)));
}

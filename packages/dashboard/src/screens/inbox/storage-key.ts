// The names under which a tab stores its Inboxes, one for each project.

/** What all of them begin with. */
export const STORED = "fanfare.inbox.";

export function storageKey(projectId: string): string {
	return `${STORED}${projectId}`;
}

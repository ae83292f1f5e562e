// The result of a release of many webhooks: see `Webhooks` in calls.ts.

export interface ManyReleased {
	/** Webhooks that were resumed. */
	readonly released: number;
	/** False if there are more: call again to continue. */
	readonly complete: boolean;
}

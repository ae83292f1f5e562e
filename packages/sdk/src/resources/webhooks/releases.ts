// The release of many webhooks that a restore from a backup has paused: those of a project, or all.
import type { RequestOptions, Transport } from "../../transport.ts";

/** The result of `releaseAll` and `releaseWebhooks`. */
export interface WebhooksReleased {
	/** Always `"webhooksReleased"`. */
	readonly object: "webhooksReleased";
	/** How many webhooks were resumed. */
	readonly released: number;
	/** False if there are more: call again. */
	readonly complete: boolean;
}

/** Releases the webhooks of a collection, such as `/workspace/webhooks`. */
export function releaseMany(
	transport: Transport,
	collection: string,
	options?: RequestOptions,
): Promise<WebhooksReleased> {
	const request = { method: "POST", path: `${collection}:release`, answer: "webhooksReleased" } as const;
	return transport.request<WebhooksReleased>(request, options);
}

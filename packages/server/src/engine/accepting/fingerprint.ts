// By what a repeated send is told from another one with the same idempotency key.
import { createHash } from "node:crypto";

import type { EventInput } from "../../core/event.ts";

/**
 * Two sends are the same if their type, timestamp, targets, customers, tags in any order and the text of their data are equal.
 * Without customers and tags the digest is the one from before there were any, so that a send can be repeated across an update.
 */
export function fingerprint(input: EventInput): Uint8Array {
	const { customers, tags } = input;
	const named: unknown[] = [input.type, input.timestamp, input.webhookIds];
	if (customers !== null || tags.length > 0) named.push(customers);
	if (tags.length > 0) named.push(tags.toSorted());
	return createHash("sha256").update(JSON.stringify(named)).update(input.dataJson).digest();
}

// Gives each request an id, which is in its response and in its log line.
import { randomUUID } from "node:crypto";

/** A new id, such as `req_0b4c…`. An id that a client sends is never used, so that ids stay unique. */
export function makeRequestId(): string {
	return `req_${randomUUID().replaceAll("-", "")}`;
}

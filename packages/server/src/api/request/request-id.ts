// Names each request, so that an answer and its log line can be found by each other.
import { randomUUID } from "node:crypto";

/** A fresh id, such as `req_0b4c…`. An id that the client sends is never taken over: ours stay unique and ours. */
export function makeRequestId(): string {
	return `req_${randomUUID().replaceAll("-", "")}`;
}

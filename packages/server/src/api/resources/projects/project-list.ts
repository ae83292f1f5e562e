// The bare array of all projects that a key opens. A long one is written in slices, as its client reads them, so that neither the main thread
// nor the memory has all of it at once.
import type { Clock } from "../../../core/clock.ts";
import type { Project } from "../../../core/workspace.ts";
import { json, type Reply } from "../../request/route.ts";
import { bodyReply } from "../common/list-reply.ts";
import { presentProject } from "./present.ts";

/** Projects that are written in one turn of the event loop: about 64 KB, and some 2 ms if all have the longest names. */
const SLICE = 200;

/** The response. `projects` must not change afterwards. */
export function projectListReply(projects: readonly Project[], clock: Pick<Clock, "nextTurn">): Reply {
	if (projects.length <= SLICE) return json(projects.map(presentProject));
	const encoder = new TextEncoder();
	let next = 0;
	const pull = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> => {
		const start = next;
		next += SLICE;
		// Whoever reads goes on at once if there is something to read.
		if (start > 0) await new Promise<void>((resolve) => clock.nextTurn(resolve));
		const texts = projects.slice(start, next).map((project) => JSON.stringify(presentProject(project)));
		const isLast = next >= projects.length;
		controller.enqueue(encoder.encode(`${start === 0 ? "[" : ","}${texts.join(",")}${isLast ? "]" : ""}`));
		if (isLast) controller.close();
	};
	return bodyReply(new ReadableStream({ pull }, { highWaterMark: 0 }));
}

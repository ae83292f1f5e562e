import { expect, it } from "vitest";

import { LinkPorts } from "./link-ports.ts";

it("keeps a port, also of a connection that is closed, until another link to the same server uses it", () => {
	const [first, second] = [new LinkPorts(), new LinkPorts()];
	first.add(40_001, 5_432);
	first.add(40_002, 5_432);
	second.add(40_002, 4_222);
	expect([[...first], [...second]]).toEqual([[40_001, 40_002], [40_002]]);
	second.add(40_001, 5_432);
	first.add(40_002, 5_432);
	expect([first.has(40_001), first.has(40_002), second.has(40_001)]).toEqual([false, true, true]);
	first.add(40_001, 5_432);
	expect([new Set(first), new Set(second)]).toEqual([new Set([40_001, 40_002]), new Set([40_002])]);
});

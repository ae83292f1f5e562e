import { expect, it } from "vitest";

import { slowness } from "./slow-browser.ts";

it("is set by milliseconds and a factor, and off by default", () => {
	const read = (text: string) => slowness({ FANFARE_TEST_SLOW_BROWSER: text });
	expect(slowness({})).toBeNull();
	expect(read("1500")).toEqual({ delayMs: 1_500, cpu: 1 });
	expect(read("1500,4")).toEqual({ delayMs: 1_500, cpu: 4 });
	for (const wrong of ["yes", "1.5", "-1", "1500,0", "1500,"]) expect(() => read(wrong)).toThrow("such as 1500");
});

// What a setting can have been at each moment of its changes.
import { expect, it } from "vitest";

import { Timeline } from "./timeline.ts";

it("has both values possible during a change, and one before and after it", () => {
	let time = 1;
	const timeline = new Timeline("old", () => time);
	time = 10;
	timeline.changing("new");
	time = 20;
	timeline.confirmed();
	expect(timeline.possible(1, 9)).toEqual(["old"]);
	expect(timeline.possible(10, 20)).toEqual(["old", "new"]);
	expect(timeline.possible(1, 15)).toEqual(["old", "new"]);
	expect(timeline.possible(21, 30)).toEqual(["new"]);
	expect(timeline.latest).toBe("new");
});

it("goes back to the old value if a change was not made", () => {
	let time = 10;
	const timeline = new Timeline("old", () => time);
	timeline.changing("lost");
	time = 20;
	timeline.withdrawn();
	expect(timeline.possible(21, 30)).toEqual(["old"]);
	expect(timeline.latest).toBe("old");
	time = 40;
	timeline.changing("new");
	time = 50;
	timeline.confirmed();
	expect(timeline.possible(51, 60)).toEqual(["new"]);
	expect(timeline.possible(0, 30)).toEqual(["old", "lost"]);
});

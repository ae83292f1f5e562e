// The settings of the attempts: how many at once, and by how many threads.
import { wholeNumber } from "./parse.ts";
import { setting } from "./setting.ts";

export const DELIVERING_SETTINGS = {
	maxInFlight: setting(wholeNumber(1, 100_000), 1_024, {
		expected: "a whole number from 1 to 100000",
		meaning:
			"The most attempts in flight at once. A project may use three quarters of what the others leave free. Never more than half of the descriptors that the process may have open.",
		defaultText: "`1024`",
		example: "256",
	}),
	maxInFlightPerWebhook: setting(wholeNumber(1, 100_000), 256, {
		expected: "a whole number from 1 to 100000",
		meaning: "The most attempts in flight at once to one webhook.",
		defaultText: "`256`",
		example: "8",
	}),
	senderThreads: setting<number, null>(wholeNumber(0, 16), null, {
		expected: "a whole number from 0 to 16",
		meaning:
			"How many threads make attempts, besides the main thread. With `0`, the main thread makes them. A project's connections to one origin " +
			"belong to one of them. Each takes about 20 MB of memory.",
		defaultText:
			"by the cores that the process may use: none with one or two, one with three to seven, two with eight or more",
		example: "2",
	}),
};

// Whether a call that has failed may have been done all the same.
import {
	BadRequestError,
	ConnectionError,
	InternalServerError,
	RateLimitError,
	ServiceUnavailableError,
	TimeoutError,
	UnexpectedResponseError,
} from "@fanfare/sdk";
import { expect, it } from "vitest";

import { isInDoubt } from "./doubt.ts";

const answered = (status: number, retryAfterMs: number | null = null) => {
	return { status, code: null, requestId: null, issues: [], retryAfterMs };
};

it.each([
	["no answer", new ConnectionError("lost"), true],
	["no answer in time", new TimeoutError("late"), true],
	["the answer of something else", new UnexpectedResponseError("HTML", { status: 200, requestId: null }), true],
	["a 500", new InternalServerError("broken", answered(500)), true],
	["a 503 that a proxy may have given", new ServiceUnavailableError("away", answered(503)), true],
	["a 503 that asks to wait", new ServiceUnavailableError("busy", answered(503, 1_000)), false],
	["a 429", new RateLimitError("too many", answered(429)), false],
	["a 400", new BadRequestError("wrong", answered(400)), false],
	["an error of the page", new TypeError("undefined"), false],
])("after %s", (_, error, expected) => {
	expect(isInDoubt(error)).toBe(expected);
});

// How often somebody at one address can fail to sign in, with a clock that the test moves.
import { expect, it } from "vitest";

import { FanfareError } from "../../../core/errors.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { FailedSignIns } from "./failed-sign-ins.ts";

const unknown = () => new FanfareError("unknown_key", "no such key");

function setUp(maxAddresses?: number) {
	const clock = new ManualClock();
	const failed = new FailedSignIns(clock, maxAddresses);
	/** The code that an attempt ends with; null for a success. */
	const attempt = (address: string | null, result: "fails" | "succeeds" = "fails", error: Error = unknown()) => {
		try {
			failed.attempt(address, () => {
				if (result === "fails") throw error;
			});
			return null;
		} catch (caught) {
			return caught instanceof FanfareError ? caught.code : caught;
		}
	};
	const failTimes = (address: string | null, times: number) => {
		for (let n = 0; n < times; n++) expect(attempt(address)).toBe("unknown_key");
	};
	return { clock, failed, attempt, failTimes };
}

it("refuses all attempts of an address after ten failures, until the first of them is a minute ago", () => {
	const { clock, failed, attempt, failTimes } = setUp();
	failTimes("192.0.2.1", 1);
	clock.advance(20_000);
	failTimes("192.0.2.1", 9);
	expect(attempt("192.0.2.1", "succeeds")).toBe("too_many_sign_ins");
	expect(() => failed.attempt("192.0.2.1", () => 1)).toThrow(expect.objectContaining({ retryAfterMs: 40_000 }));
	expect(attempt("192.0.2.2")).toBe("unknown_key");
	clock.advance(39_999);
	expect(attempt("192.0.2.1", "succeeds")).toBe("too_many_sign_ins");
	clock.advance(1);
	expect(attempt("192.0.2.1", "succeeds")).toBeNull();
	failTimes("192.0.2.1", 1);
	expect(attempt("192.0.2.1")).toBe("too_many_sign_ins");
});

it("never makes the attempt that it refuses, and returns what another one returns", () => {
	const { failed, failTimes } = setUp();
	expect(failed.attempt("192.0.2.1", () => 7)).toBe(7);
	failTimes("192.0.2.1", 10);
	let made = false;
	expect(() => failed.attempt("192.0.2.1", () => (made = true))).toThrow(FanfareError);
	expect(made).toBe(false);
});

it("counts neither successes nor errors that are nobody's fault", () => {
	const { attempt } = setUp();
	for (let n = 0; n < 50; n++) {
		expect(attempt("192.0.2.1", "succeeds")).toBeNull();
		expect(attempt("192.0.2.1", "fails", new FanfareError("store_unavailable", "x"))).toBe("store_unavailable");
	}
	expect(attempt("192.0.2.1")).toBe("unknown_key");
});

it("counts a network of 64 bits of IPv6 as one, and all whose address is not known", () => {
	for (const [one, same, other] of [
		["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"],
		["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"],
		["::1", "::ffff:0:2", "1::1"],
		["fe80::1", "fe80::aaaa:bbbb:cccc:dddd", "fe80:0:0:1::1"],
		["1:2:3:4:5:6:7:8", "1:2:3:4::", "1:2:3:5::"],
		[null, null, "192.0.2.1"],
	] as const) {
		const { attempt, failTimes } = setUp();
		failTimes(one, 10);
		expect([one, attempt(same), attempt(other)]).toEqual([one, "too_many_sign_ins", "unknown_key"]);
	}
});

it("remembers 10,000 addresses by default", () => {
	const { failed, attempt } = setUp();
	for (let n = 0; n < 10_001; n++) attempt(`10.${n >> 8}.${n & 255}.1`);
	expect(failed.size).toBe(10_000);
});

it("remembers a bounded number of addresses in a flood, those that have failed last", () => {
	const { clock, failed, attempt, failTimes } = setUp(100);
	failTimes("192.0.2.1", 10);
	for (let n = 0; n < 99; n++) failTimes(`198.51.100.${n}`, 1);
	expect(attempt("192.0.2.1")).toBe("too_many_sign_ins");
	let most = 0;
	for (let n = 0; n < 10_000; n++) {
		attempt(`10.${n >> 8}.${n & 255}.1`);
		most = Math.max(most, failed.size);
	}
	expect(most).toBe(100);
	// It was forgotten, so that the flood keeps nobody out.
	expect(attempt("192.0.2.1")).toBe("unknown_key");
	clock.advance(60_000);
	failTimes("192.0.2.9", 1);
	expect(failed.size).toBe(1);
});

// Failures of the driver: which of them are the database's, and which are mistakes of this program.
import { describe, expect, it } from "vitest";

import { isBroken, toStoreError } from "./errors.ts";

const withCode = (code: string) => Object.assign(new Error("it failed"), { code });

describe("an error", () => {
	it.each(["ECONNRESET", "EAI_AGAIN", "ERR_SOCKET_CLOSED", "CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"])(
		"%s is of the connection",
		(code) => {
			const error = withCode(code);
			expect(isBroken(error)).toBe(true);
			expect(toStoreError(error)).toMatchObject({ code: "store_unavailable" });
		},
	);

	// Taken for the connection's, it would be tried again for ever, and hold up everybody's outcomes.
	it.each(["ERR_OUT_OF_RANGE", "ERR_INVALID_ARG_TYPE"])("%s is this program's own", (code) => {
		const error = withCode(code);
		expect(isBroken(error)).toBe(false);
		expect(toStoreError(error)).toBe(error);
	});
});

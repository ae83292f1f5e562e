// Which errors of sockets and look-ups are Fanfare's own failures, and which are the receiver's.
import { describe, expect, it } from "vitest";

import { codeOf, connectFailure, exchangeFailure, lookupFailure } from "./send-failure.ts";

/** An error of the system, as sockets report it. */
function systemError(code: string, address?: string): Error {
	return Object.assign(new Error(code), { code, ...(address !== undefined && { address, port: 443 }) });
}

/** As if each such error said that. */
const isOutOfPorts = (cause: unknown) => codeOf(cause) === "EADDRNOTAVAIL";

function connecting(...errors: readonly Error[]) {
	const error = errors.length === 1 ? errors[0] : new AggregateError(errors);
	return connectFailure(error, "example.com:443", () => true, isOutOfPorts);
}

describe.each([
	["EMFILE", "this process has no free file descriptor (EMFILE)"],
	["ENFILE", "this machine has no free file descriptor (ENFILE)"],
	["ENOBUFS", "this process could get no memory (ENOBUFS)"],
	["ENOMEM", "this process could get no memory (ENOMEM)"],
	["EAGAIN", "this process could get no memory (EAGAIN)"],
])("%s is a failure of this process", (code, message) => {
	const ours = { code: "shortage", message, what: null };

	it("while a connection is opened", () => {
		expect(connecting(systemError(code, "203.0.113.7"))).toMatchObject(ours);
		expect(connecting(systemError("ENETUNREACH", "2001:db8::7"), systemError(code, "203.0.113.7"))).toMatchObject(ours);
	});

	it("while a name is looked up", () => {
		expect(lookupFailure(systemError(code), "example.com")).toMatchObject(ours);
	});

	it("after the connection was open", () => {
		expect(exchangeFailure(systemError(code), "example.com:443", 0)).toMatchObject(ours);
		expect(exchangeFailure(systemError(code), "example.com:443", 200)).toMatchObject(ours);
	});
});

describe("an attempt for which there is no local port", () => {
	const noPort = systemError("EADDRNOTAVAIL", "203.0.113.7");

	it("waits for one", () => {
		expect(connecting(noPort)).toMatchObject({ code: "queued", what: null });
	});

	it("waits for one also if the name has another address to which there is no route", () => {
		expect(connecting(systemError("ENETUNREACH", "2001:db8::7"), noPort)).toMatchObject({
			code: "queued",
			message: "this machine has no free port for another connection to 203.0.113.7:443 (EADDRNOTAVAIL)",
		});
	});

	it("has failed if another address of the name was called and refused", () => {
		expect(connecting(noPort, systemError("ECONNREFUSED", "203.0.113.8"))).toMatchObject({ code: "refused" });
	});
});

it("an address that this machine has no address to call from is the receiver's failure", () => {
	const noSource = systemError("EADDRNOTAVAIL", "2001:db8::7");
	expect(
		connectFailure(
			noSource,
			"example.com:443",
			() => true,
			() => false,
		),
	).toMatchObject({
		code: "unreachable",
		what: "unreachable",
		message: "[2001:db8::7]:443 cannot be reached (EADDRNOTAVAIL)",
	});
});

it.each(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EACCES", "EPERM", "EINVAL", "EAFNOSUPPORT"])(
	"an address that cannot be called is the receiver's failure: %s",
	(code) => {
		expect(connecting(systemError(code, "203.0.113.7"))).toMatchObject({ code: "unreachable", what: "unreachable" });
	},
);

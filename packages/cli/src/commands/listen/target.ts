// Where `fanfare listen` forwards requests to: a program on this machine, unless --allow-remote says otherwise.
import { connect } from "node:net";

import { usageError } from "../../frame/failure.ts";

/** The address of the local program. */
export interface Target {
	readonly url: URL;
	/** As people read it: `localhost:3000`. */
	readonly host: string;
	/** The name or address to connect to, without the brackets of IPv6. */
	readonly hostname: string;
	readonly port: number;
	/** Whether it is on this machine. */
	readonly isLocal: boolean;
}

const FORM = "a port and a path such as 3000/hooks, or a URL such as http://localhost:3000/hooks";
const LOCAL = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const PROBE_MS = 1_000;

/** Reads `3000`, `3000/hooks`, `localhost:3000/hooks` or a URL. Throws if it is not on this machine, unless that is allowed. */
export function parseTarget(text: string, allowRemote: boolean): Target {
	const url = urlOf(text.trim());
	if (url === null) throw usageError(`The target must be ${FORM}; got ${JSON.stringify(text)}.`);
	if (url.username !== "" || url.password !== "") {
		throw usageError(`The target must be ${FORM}, without user name and password.`);
	}
	const isLocal = LOCAL.test(url.hostname);
	if (!isLocal && !allowRemote) {
		throw usageError(
			`${url.host} is not this machine: requests with your customers' data would leave it. Pass --allow-remote if that is what you want.`,
		);
	}
	const port = Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port);
	return { url, host: url.host, hostname: url.hostname.replace(/^\[|\]$/g, ""), port, isLocal };
}

/** Whether something listens there now. Anything but a refusal counts: a request then says what is wrong. */
export function listens({ hostname, port }: Target, signal: AbortSignal): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = connect({ host: hostname, port, timeout: PROBE_MS });
	const end = (isThere: boolean) => () => {
		signal.removeEventListener("abort", abort);
		socket.destroy();
		resolve(isThere);
	};
	const abort = end(false);
	signal.addEventListener("abort", abort);
	socket.once("connect", end(true));
	socket.once("timeout", end(false));
	socket.once("error", (error: NodeJS.ErrnoException) => end(error.code !== "ECONNREFUSED")());
	if (signal.aborted) abort();
	return promise;
}

function urlOf(text: string): URL | null {
	const port = /^:?(\d{1,5})(?=$|[/?])/.exec(text);
	if (port !== null) return URL.parse(`http://localhost:${port[1]}${text.slice(port[0].length)}`);
	const url = /^https?:\/\//i.test(text) ? URL.parse(text) : text.includes("://") ? null : URL.parse(`http://${text}`);
	return url === null || url.hostname === "" ? null : url;
}

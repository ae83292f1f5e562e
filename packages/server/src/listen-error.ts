// Says why a server can't listen, and what to do about it.
import { createServer } from "node:net";

/** Where a server is to listen. */
interface Address {
	readonly host: string;
	readonly port: number;
}

/** The setting that would change it. */
type Setting = "host" | "port";

/** How many ports after a used one are tried. */
const PORTS_TRIED = 20;
const MAX_PORT = 65_535;
const VARIABLES: Readonly<Record<Setting, string>> = { host: "FANFARE_HOST", port: "FANFARE_PORT" };

/** A server can't listen at its address. */
export class ListenError extends Error {
	override readonly name = "ListenError";
	/** The setting to change. */
	readonly setting: Setting;
	/** That of the system's error. */
	readonly code: string;
	readonly #adviceWith: (name: string) => string;

	/** `adviceWith` says what is wrong and what to do, with the name by which the setting is set, such as `--port`. */
	constructor(setting: Setting, code: string, adviceWith: (name: string) => string) {
		super(adviceWith(VARIABLES[setting]));
		this.setting = setting;
		this.code = code;
		this.#adviceWith = adviceWith;
	}

	/** The message for somebody who has set it by an option, such as `--port`. */
	messageWith(option: string): string {
		return this.#adviceWith(option);
	}
}

/** The error for people; the same one if there is nothing to say about it. */
export async function listenError(error: NodeJS.ErrnoException, { host, port }: Address): Promise<Error> {
	const { code = "" } = error;
	switch (code) {
		case "EADDRINUSE": {
			const free = await freePortAfter(port, host);
			const other = free === null ? "another port (0 chooses a free one)" : `${free}, which is free`;
			const ask = process.platform === "win32" ? `netstat -ano | findstr :${port}` : `lsof -i :${port}`;
			return new ListenError(
				"port",
				code,
				(name) =>
					`port ${port} on ${host} is in use: stop the program that uses it (\`${ask}\` names it), or set ${name} to ${other}`,
			);
		}
		case "EACCES":
			return new ListenError(
				"port",
				code,
				(name) => `port ${port} on ${host} requires privileges: set ${name} to a port above 1023`,
			);
		case "EADDRNOTAVAIL":
		case "ENOTFOUND":
			return new ListenError(
				"host",
				code,
				(name) =>
					`${host} is not an address of this machine: set ${name} to one of its addresses, or to 0.0.0.0 for all of them`,
			);
		default:
			return error;
	}
}

async function freePortAfter(used: number, host: string): Promise<number | null> {
	for (let port = used + 1; port <= Math.min(MAX_PORT, used + PORTS_TRIED); port++) {
		if (await isFree(port, host)) return port;
	}
	return null;
}

function isFree(port: number, host: string): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", () => resolve(false));
		server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
	});
}

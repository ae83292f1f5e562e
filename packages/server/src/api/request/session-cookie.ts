// The cookie of the page's sessions: its name, how it is set, and how it is read from a request.
import { isSessionToken } from "../../core/access/session.ts";
import { FanfareError } from "../../core/errors.ts";

/**
 * A request counts as one of the page only with this header, and the value 1. Scripts of other origins can't send it, and no form
 * can: so a cookie that a browser attaches by itself proves nothing.
 */
export const PAGE_HEADER = "Fanfare-Page";

/** Whether a request comes from the page. */
export function isFromPage(header: (name: string) => string | undefined): boolean {
	return header(PAGE_HEADER) === "1";
}

/**
 * The cookie has the workspace's id in its name, since browsers send cookies to every port of a host: two servers on one host need
 * two cookies. With an https address, only that may get it, and its prefix keeps other hosts of the same site from setting it
 * (RFC 6265bis, section 4.1.3).
 */
export class SessionCookie {
	readonly name: string;
	readonly #attributes: string;

	/** @param publicUrl the address that people use, without a slash at the end; null if it is not known */
	constructor(workspaceId: string, publicUrl: string | null) {
		const url = publicUrl === null ? null : new URL(publicUrl);
		const path = url?.pathname ?? "/";
		const isSecure = url?.protocol === "https:";
		// Browsers accept a __Host- cookie only for all paths. With a path of its own, other programs of the host don't get it.
		const prefix = isSecure ? (path === "/" ? "__Host-" : "__Secure-") : "";
		this.name = `${prefix}fanfare-${workspaceId}`;
		this.#attributes = `Path=${path}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
	}

	/** The value of `Set-Cookie` that gives a browser the token for so long. */
	set(token: string, leftMs: number): string {
		return `${this.name}=${token}; Max-Age=${Math.max(0, Math.floor(leftMs / 1_000))}; ${this.#attributes}`;
	}

	/** The value of `Set-Cookie` that takes the token away. */
	clear(): string {
		return `${this.name}=; Max-Age=0; ${this.#attributes}`;
	}

	/**
	 * The token in a `Cookie` header; null if there is none. Throws `unknown_session` if there are two different ones: one of them was
	 * set by somebody else, and nobody can tell which.
	 */
	read(header = ""): string | null {
		const tokens = new Set<string>();
		// Only pairs that have the name are taken apart: anybody can send thousands of others.
		for (let at = header.indexOf(this.name); at !== -1;) {
			const next = header.indexOf(";", at);
			const end = next === -1 ? header.length : next;
			const [name, value = ""] = header.slice(header.lastIndexOf(";", at) + 1, end).split("=", 2);
			at = header.indexOf(this.name, end);
			if (name?.trim() === this.name && isSessionToken(value.trim())) tokens.add(value.trim());
		}
		const [token = null, ...others] = tokens;
		if (others.length === 0) return token;
		throw new FanfareError(
			"unknown_session",
			`The request has several different cookies ${this.name}. Delete the cookies of this site, and sign in again.`,
		);
	}
}

// What the portal and the page around it say to each other, by `postMessage`.

/** Names every message, with the version of the protocol. */
export const ENVELOPE = { source: "fanfare-portal", version: 1 } as const;

/** To the page around: the portal listens; how high it is, in pixels; the session has ended, another token is needed. */
export type ToHost =
	| { readonly kind: "ready" }
	| { readonly kind: "resize"; readonly height: number }
	| { readonly kind: "expired" };

/** From the page around: a token, and how to look. */
export type FromHost =
	| {
			readonly kind: "session";
			readonly token: string;
			/** Not checked yet. */
			readonly theme: unknown;
			readonly locale: string | undefined;
			readonly timeZone: string | undefined;
	  }
	| { readonly kind: "theme"; readonly theme: unknown };

const TOKEN = /^ps_[\w-]{1,200}$/;

/** A message of this protocol; null if it is another one. */
export function readMessage(data: unknown): FromHost | null {
	if (typeof data !== "object" || data === null) return null;
	const { source, version, kind, token, theme, locale, timeZone } = data as Record<string, unknown>;
	if (source !== ENVELOPE.source || version !== ENVELOPE.version) return null;
	if (kind === "theme") return { kind, theme };
	if (kind !== "session" || typeof token !== "string" || !TOKEN.test(token)) return null;
	return { kind, token, theme, locale: shortText(locale), timeZone: shortText(timeZone) };
}

/** The origin in the address, exactly as browsers write it; null if there is none. */
export function hostOrigin(search: string): string | null {
	const host = new URLSearchParams(search).get("host");
	if (host === null || !URL.canParse(host)) return null;
	const { origin, protocol } = new URL(host);
	return /^https?:$/.test(protocol) && origin === host ? origin : null;
}

function shortText(value: unknown): string | undefined {
	return typeof value === "string" && value.length > 0 && value.length <= 100 ? value : undefined;
}

// The response with a file that was built before, in the compressed form that the client accepts.
import type { PageFile } from "../../ports/page-files.ts";
import type { Reply } from "../request/route.ts";

/** The headers of a file whose name changes with its content, so that browsers may keep it. */
export const KEPT_FOR_GOOD = { "cache-control": "public, max-age=31536000, immutable" } as const;

/** The response with a file. `headers` are added to those that tell its form. */
export function fileReply(file: PageFile, acceptEncoding: string, headers: Readonly<Record<string, string>>): Reply {
	const common = { ...headers, vary: "accept-encoding" };
	const { contentType } = file;
	for (const [encoding, body] of [
		["br", file.brotli],
		["gzip", file.gzip],
	] as const) {
		if (body === null || !accepts(acceptEncoding, encoding)) continue;
		return { status: 200, contentType, body, headers: { ...common, "content-encoding": encoding } };
	}
	return { status: 200, contentType, body: file.bytes, headers: common };
}

/** Whether an `Accept-Encoding` names the encoding, and not with the quality 0, which forbids it. */
function accepts(acceptEncoding: string, encoding: string): boolean {
	return acceptEncoding.split(",").some((part) => {
		const [name = "", ...parameters] = part.trim().toLowerCase().split(";");
		return name.trim() === encoding && !parameters.some((parameter) => /^\s*q=0(\.0*)?\s*$/.test(parameter));
	});
}

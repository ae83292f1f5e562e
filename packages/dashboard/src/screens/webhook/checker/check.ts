// Compares a pasted request with what was sent and with a secret, which stays in the browser.
import { diagnose, NotFoundError, type Diagnosis, type ProjectHandle } from "@fanfare/sdk";
import type { QueryClient } from "@tanstack/react-query";

import { bodyQuery } from "../../delivery/queries.ts";
import type { PastedRequest } from "./pasted-request.ts";

/** What is known about the event in the log. */
export type Logged = "same" | "other" | "unknown" | "erased" | "no_id" | "failed";

export interface Verdict extends Diagnosis {
	readonly logged: Logged;
	/** Whether the signature was compared: not without a secret, nor where the browser can't. */
	readonly isSignatureChecked: boolean;
}

export interface Question {
	readonly request: PastedRequest;
	/** Empty for a check without one. */
	readonly secret: string;
	/** When it was received, in milliseconds since the epoch. */
	readonly receivedAt: number;
}

/** Whether this browser computes signatures: they do on https and on localhost. */
export const canSign = (): boolean => (globalThis.crypto.subtle as SubtleCrypto | undefined) !== undefined;

/** Rejects with a `TypeError` if the secret is none. */
export async function check(
	{ request: { headers, body }, secret, receivedAt }: Question,
	project: ProjectHandle,
	queryClient: QueryClient,
): Promise<Verdict> {
	const id = headers["webhook-id"]?.[0]?.trim() ?? "";
	const { sent, state } = await lookUp(id, project, queryClient);
	// A text field has line feeds alone: a difference in line breaks may be its own.
	const isSame = sent !== null && withLineFeeds(sent) === withLineFeeds(body);
	const secrets = secret === "" || !canSign() ? [] : [secret];
	const found = await diagnose(isSame ? sent : body, headers, secrets, {
		now: () => receivedAt,
		...(sent !== null && { sentBody: sent }),
	});
	return { ...found, logged: state ?? (isSame ? "same" : "other"), isSignatureChecked: secrets.length > 0 };
}

/** The body that was sent, or why it is not known. */
async function lookUp(id: string, project: ProjectHandle, queryClient: QueryClient) {
	if (id === "") return { sent: null, state: "no_id" } as const;
	try {
		const sent = await queryClient.fetchQuery(bodyQuery(project, id));
		return sent === null ? ({ sent, state: "erased" } as const) : { sent, state: null };
	} catch (error) {
		return { sent: null, state: error instanceof NotFoundError ? "unknown" : "failed" } as const;
	}
}

function withLineFeeds(text: string): string {
	return text.replaceAll(/\r\n?/g, "\n");
}

// A call that failed, in plain words.
import {
	ApiError,
	BadRequestError,
	ConflictError,
	NotFoundError,
	PermissionDeniedError,
	RateLimitError,
} from "@fanfare/sdk";

import { useTexts } from "../texts/reader.tsx";
import type { Texts } from "../texts/texts.ts";
import { Note } from "./note.tsx";

export function Problem({ error }: { readonly error: unknown }) {
	const { problem } = useTexts();
	const reference = error instanceof ApiError ? error.requestId : null;
	return (
		<Note tone="bad" title={problem.title} role="alert">
			<p>{reasonOf(error, problem)}</p>
			{reference !== null && <p className="small">{problem.reference(reference)}</p>}
		</Note>
	);
}

function reasonOf(error: unknown, texts: Texts["problem"]): string {
	if (error instanceof PermissionDeniedError) return texts.denied;
	if (error instanceof NotFoundError) return texts.gone;
	if (error instanceof RateLimitError) return texts.tooMany;
	if (error instanceof ConflictError && error.code === "webhook_changed") return texts.conflict;
	// The server says exactly what is wrong, in English.
	if (error instanceof BadRequestError || error instanceof ConflictError) return error.message;
	return texts.away;
}

// A call that failed, in plain words.
import {
	ApiError,
	BadRequestError,
	ConflictError,
	NotFoundError,
	PermissionDeniedError,
	RateLimitError,
} from "@fanfare/sdk";

import { isInDoubt } from "../../parts/feedback/doubt.ts";
import { OvertakenError } from "../../parts/form/edit/edit.ts";
import { useTexts } from "../texts/reader.tsx";
import type { Texts } from "../texts/texts.ts";
import { Note } from "./note.tsx";

interface ProblemProps {
	readonly error: unknown;
	/** Whether the call makes something, which must not be made twice because an answer was lost. */
	readonly isMaking?: boolean;
}

export function Problem({ error, isMaking = false }: ProblemProps) {
	const { problem } = useTexts();
	const reference = error instanceof ApiError ? error.requestId : null;
	const isUnknown = isMaking && isInDoubt(error);
	return (
		<Note tone={isUnknown ? "warn" : "bad"} title={isUnknown ? problem.unknown : problem.title} role="alert">
			<p>{isUnknown ? problem.unknownText : reasonOf(error, problem)}</p>
			{reference !== null && <p className="small">{problem.reference(reference)}</p>}
		</Note>
	);
}

function reasonOf(error: unknown, texts: Texts["problem"]): string {
	if (error instanceof OvertakenError) return texts.overtaken;
	if (error instanceof PermissionDeniedError) return texts.denied;
	if (error instanceof NotFoundError) return texts.gone;
	if (error instanceof RateLimitError) return error.code === "stored_bytes_exceeded" ? texts.full : texts.tooMany;
	if (error instanceof ConflictError && error.code === "revision_conflict") return texts.conflict;
	// The server says exactly what is wrong, in English.
	if (error instanceof BadRequestError || error instanceof ConflictError) return error.message;
	return texts.away;
}

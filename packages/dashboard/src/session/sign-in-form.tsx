// The form to sign in, on its own screen and in the dialog when a session has ended.
import { type ApiError, AuthenticationError, BadRequestError, RateLimitError } from "@fanfare/sdk";
import { Button, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";

import { Problem, sentenceOf } from "../parts/feedback/problem.tsx";
import { useNow } from "../parts/text/time.tsx";
import { useConnection } from "./caller.ts";
import { readCredential } from "./sign-in-link.ts";

const DEFAULT_WAIT_MS = 60_000;

interface SignInFormProps {
	readonly onSignedIn?: () => void;
}

export function SignInForm({ onSignedIn }: SignInFormProps) {
	const connection = useConnection();
	const [text, setText] = useState("");
	const [waitUntil, setWaitUntil] = useState(0);
	const now = useNow(1_000);
	const signIn = useMutation({
		mutationFn: (text: string) => connection.signIn(readCredential(text)),
		onSuccess: () => onSignedIn?.(),
		onError: (error) => {
			if (error instanceof RateLimitError) setWaitUntil(Date.now() + (error.retryAfterMs ?? DEFAULT_WAIT_MS));
		},
	});
	const submit = (event: FormEvent) => {
		event.preventDefault();
		if (text.trim() !== "") signIn.mutate(text);
	};
	const { error } = signIn;
	const isAtField = error instanceof AuthenticationError || error instanceof BadRequestError;
	const waitMs = error instanceof RateLimitError ? Math.max(0, waitUntil - now) : 0;
	return (
		<form className="stack" onSubmit={submit}>
			<PasswordInput
				label="API key"
				description="Or a sign-in link. The first start of the server prints both; ask whoever runs it for a key of your own."
				placeholder="sk_…"
				autoComplete="current-password"
				data-autofocus
				autoFocus
				// Otherwise Escape would close the drawer below the dialog, and what was typed in it would be lost.
				data-mantine-stop-propagation="true"
				visibilityToggleButtonProps={{ "data-mantine-stop-propagation": "true" } as object}
				value={text}
				error={isAtField ? fieldSentence(error) : undefined}
				onChange={({ currentTarget }) => setText(currentTarget.value)}
			/>
			{signIn.isError && !isAtField && <Problem error={error} what="Signing in failed" />}
			<Button
				type="submit"
				loading={signIn.isPending}
				disabled={waitMs > 0}
				data-mantine-stop-propagation="true"
				fullWidth
			>
				{waitMs > 0 ? `Try again in ${Math.ceil(waitMs / 1_000)} s` : "Sign in"}
			</Button>
		</form>
	);
}

function fieldSentence(error: ApiError): string {
	const [issue] = error.issues;
	return issue === undefined ? sentenceOf(error) : `This ${issue.message}.`;
}

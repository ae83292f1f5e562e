// Says why a receiver rejects a request: somebody pastes it, and the secret that the receiver has.
import type { Webhook } from "@fanfare/sdk";
import { Button, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";

import { Problem } from "../../../parts/feedback/problem.tsx";
import { parseMoment } from "../../../parts/form/moment.ts";
import { useZone } from "../../../parts/text/zone.ts";
import { useProject } from "../../../session/caller.ts";
import { canSign, check } from "./check.ts";
import { parsePasted, PasteError } from "./pasted-request.ts";
import { VerdictView } from "./verdict.tsx";

const MOST_CHARACTERS = 4_000_000;
const SAMPLE = `webhook-id: evt_…
webhook-timestamp: 1764230400
webhook-signature: v1,…

{"type":"order.paid",…}`;

export function Checker({ webhook }: { readonly webhook: Webhook }) {
	const project = useProject();
	const queryClient = useQueryClient();
	const [zone] = useZone();
	const [text, setText] = useState("");
	const [secret, setSecret] = useState("");
	const [received, setReceived] = useState("");
	const checking = useMutation({
		mutationFn: async () => {
			const receivedAt = received === "" ? null : parseMoment(received, zone);
			const question = { request: parsePasted(text), secret: secret.trim(), receivedAt: receivedAt ?? Date.now() };
			const verdict = await check(question, project, queryClient);
			return { ...verdict, isTimeKnown: receivedAt !== null, secretEnd: question.secret.slice(-4) };
		},
	});
	const { error } = checking;
	const isOurs = error instanceof PasteError || error instanceof TypeError;
	/** What was found is about what was typed before. */
	const changed = (set: (value: string) => void) => (value: string) => {
		set(value);
		checking.reset();
	};
	const submit = (event: FormEvent) => {
		event.preventDefault();
		checking.mutate();
	};
	return (
		<section className="card card-pad stack" aria-label="Check a request">
			<div>
				<h2 className="card-title">Does a receiver reject your requests?</h2>
				<p className="flat dim">
					Paste one as it was received: it is compared with what was sent, and with the secret that the receiver has.
				</p>
			</div>
			<form className="stack" onSubmit={submit}>
				<Textarea
					label="The request"
					description="Headers, an empty line and the body, or a curl command"
					className="pasted"
					placeholder={SAMPLE}
					rows={8}
					spellCheck={false}
					autoComplete="off"
					autoCapitalize="off"
					maxLength={MOST_CHARACTERS}
					value={text}
					error={error instanceof PasteError && error.message}
					onChange={({ currentTarget }) => changed(setText)(currentTarget.value)}
				/>
				<div className="pair pair-wide">
					<TextInput
						label="The receiver's secret"
						description={
							canSign()
								? "Optional. It stays in this browser"
								: "Needs this page on https: browsers check signatures only there"
						}
						type="password"
						placeholder="whsec_…"
						spellCheck={false}
						autoComplete="off"
						disabled={!canSign()}
						value={secret}
						error={error instanceof TypeError && error.message}
						onChange={({ currentTarget }) => changed(setSecret)(currentTarget.value)}
					/>
					<TextInput
						label="When it was received"
						description="By the receiver's clock. Empty for now"
						type="datetime-local"
						step={1}
						value={received}
						onChange={({ currentTarget }) => changed(setReceived)(currentTarget.value)}
					/>
				</div>
				<div className="bar">
					<Button type="submit" loading={checking.isPending}>
						Check
					</Button>
				</div>
				{error !== null && !isOurs && <Problem error={error} what="The request could not be checked" />}
				{checking.data !== undefined && <VerdictView verdict={checking.data} webhook={webhook} />}
			</form>
		</section>
	);
}

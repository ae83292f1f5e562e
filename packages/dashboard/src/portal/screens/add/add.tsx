// Adds an endpoint: its address first, then its events; afterwards its secret, a test that runs at once, and code to verify.
import { utils, type CreatedWebhook } from "@fanfare/sdk";
import { useState } from "react";

import { useStage, type Stage } from "../../../parts/feedback/stage.ts";
import { isShownBy, issueOf } from "../../../parts/form/issues.ts";
import { Egress } from "../../parts/egress.tsx";
import { Button } from "../../parts/form/button.tsx";
import { Field } from "../../parts/form/field.tsx";
import { TypesChoice } from "../../parts/form/types-choice.tsx";
import { Head } from "../../parts/head.tsx";
import { LeaveQuestion } from "../../parts/leave-question.tsx";
import { Note } from "../../parts/note.tsx";
import { Problem } from "../../parts/problem.tsx";
import { SecretOnce, Verification } from "../../parts/secret.tsx";
import { Tester } from "../../parts/tester.tsx";
import { To } from "../../parts/to.tsx";
import { useChange } from "../../session/queries.ts";
import { useMay } from "../../session/use-session.ts";
import { useTexts } from "../../texts/reader.tsx";
import { MissingScreen } from "../ended/ended.tsx";
import { addressError, nameFor } from "./address.ts";

export function AddScreen() {
	const mayWrite = useMay("webhooks.write");
	const [added, setAdded] = useState<CreatedWebhook | null>(null);
	const [stage, setStage] = useState<Stage>("asking");
	if (!mayWrite) return <MissingScreen />;
	return (
		<>
			{/* Stays while the form gives way to the secret, so that the question is not taken back unanswered. */}
			<LeaveQuestion stage={added === null ? stage : "once"} />
			{added === null ? <New onStage={setStage} onAdded={setAdded} /> : <Added endpoint={added} />}
		</>
	);
}

interface NewProps {
	readonly onStage: (stage: Stage) => void;
	readonly onAdded: (endpoint: CreatedWebhook) => void;
}

function New(props: NewProps) {
	const texts = useTexts();
	return (
		<div className="stack narrow">
			<Head
				title={texts.add.title}
				back={
					<To to="/" className="link">
						{texts.back(texts.endpoints)}
					</To>
				}
			/>
			<AddForm {...props} />
			<Egress />
		</div>
	);
}

function AddForm({ onStage, onAdded }: NewProps) {
	const { add: texts } = useTexts();
	const [url, setUrl] = useState("");
	const [name, setName] = useState("");
	const [types, setTypes] = useState<readonly string[] | null>(null);
	const [isTried, setTried] = useState(false);
	const create = useChange(
		({ batch: { webhooks } }) =>
			webhooks.create({
				name: nameFor(name, url),
				spec: { endpoint: url.trim(), eventTypes: types, secret: utils.generateWebhookSecret() },
			}),
		onAdded,
	);
	useStage(create.isPending ? "working" : "asking", onStage);
	const urlError = addressError(url, texts) ?? issueOf(create.error, "spec.endpoint");
	const typesError = types?.length === 0 ? texts.noneChosen : issueOf(create.error, "spec.eventTypes");
	const submit = () => {
		setTried(true);
		if (addressError(url, texts) === undefined && types?.length !== 0) create.mutate(null);
	};
	return (
		<form
			className="card pad stack"
			noValidate
			onSubmit={(event) => {
				event.preventDefault();
				submit();
			}}
		>
			<Field
				label={texts.url}
				hint={texts.urlHint}
				type="url"
				value={url}
				error={isTried ? urlError : undefined}
				onChange={setUrl}
			/>
			<Field
				label={texts.name}
				hint={texts.nameHint}
				value={name}
				error={issueOf(create.error, "name")}
				onChange={setName}
			/>
			<TypesChoice chosen={types} error={isTried ? typesError : undefined} onChange={setTypes} />
			{create.isError && !isShownBy(create.error, ["spec.endpoint", "spec.eventTypes", "name"]) && (
				<Problem error={create.error} isMaking />
			)}
			<div className="bar">
				<Button kind="primary" isSubmit isBusy={create.isPending}>
					{texts.submit}
				</Button>
			</div>
		</form>
	);
}

function Added({ endpoint }: { readonly endpoint: CreatedWebhook }) {
	const texts = useTexts();
	return (
		<div className="stack">
			<Head title={texts.add.added(endpoint.name)} />
			<Note tone="good" role="status">
				<p>{texts.add.addedText}</p>
			</Note>
			<div className="card pad stack">
				<SecretOnce secret={endpoint.secret} />
				<section className="stack tight" aria-label={texts.test.title}>
					<h2>{texts.test.title}</h2>
					<Tester webhookId={endpoint.id} isStartedAtOnce />
				</section>
				<Verification />
				<div className="bar">
					<To to="/endpoints/$webhookId" params={{ webhookId: endpoint.id }} className="button primary" ignoreBlocker>
						{texts.add.finish}
					</To>
				</div>
			</div>
			<Egress />
		</div>
	);
}

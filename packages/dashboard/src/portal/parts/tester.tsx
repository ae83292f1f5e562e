// Sends a test to an endpoint, and says at once what came back.
import type { WebhookTest } from "@fanfare/sdk";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import { useEventTypes } from "../session/queries.ts";
import { useProject } from "../session/use-session.ts";
import { useReader, useTexts } from "../texts/reader.tsx";
import { TextBlock } from "./copy.tsx";
import { Button } from "./form/button.tsx";
import { Note } from "./note.tsx";
import { Problem } from "./problem.tsx";

interface TesterProps {
	readonly webhookId: string;
	readonly isStartedAtOnce?: boolean;
	readonly onResult?: (isGood: boolean) => void;
}

export function Tester({ webhookId, isStartedAtOnce = false, onResult }: TesterProps) {
	const { test: texts } = useTexts();
	const project = useProject();
	const { data: types = [] } = useEventTypes();
	const [eventType, setEventType] = useState("");
	const test = useMutation({
		mutationFn: () => project.batch.webhooks.test(webhookId, eventType === "" ? {} : { eventType }),
		onSuccess: ({ status }) => onResult?.(status === "Ok"),
	});
	const start = useEffectEvent(() => test.mutate());
	useEffect(() => {
		if (isStartedAtOnce) start();
	}, [isStartedAtOnce]);
	const withExample = types.filter(({ exampleText }) => exampleText !== null);
	return (
		<div className="stack tight">
			<div className="bar">
				<Button icon="send" isBusy={test.isPending} onClick={() => test.mutate()}>
					{test.isIdle ? texts.send : texts.again}
				</Button>
				{withExample.length > 0 && (
					<select
						aria-label={texts.sample}
						value={eventType}
						onChange={({ currentTarget }) => setEventType(currentTarget.value)}
					>
						<option value="">{texts.generic}</option>
						{withExample.map(({ name }) => (
							<option key={name} value={name}>
								{name}
							</option>
						))}
					</select>
				)}
			</div>
			{test.isPending && (
				<p className="dim flat" role="status">
					{texts.running}
				</p>
			)}
			{test.isError && <Problem error={test.error} isMaking />}
			{test.data !== undefined && !test.isPending && <Result result={test.data} />}
		</div>
	);
}

function Result({
	result: { status, responseCode, latencyMs, body, failedBy, reason },
}: {
	readonly result: WebhookTest;
}) {
	const { texts, formats } = useReader();
	const { test } = texts;
	if (status === "Ok") {
		return <Note tone="good" role="status" title={test.worked(String(responseCode), formats.duration(latencyMs))} />;
	}
	return (
		<>
			<Note tone="bad" role="status" title={test.failed}>
				<p>
					{failedBy === "fanfare" ? test.ours : responseCode === 0 ? test.silent : test.answered(String(responseCode))}
				</p>
				{/* What exactly is wrong, as the server says it. */}
				{reason !== null && responseCode === 0 && failedBy !== "fanfare" && (
					<p className="small" lang="en" dir="ltr">
						{reason}
					</p>
				)}
			</Note>
			{body !== null && body !== "" && <TextBlock text={body} label={test.answer} />}
		</>
	);
}

// Sends a signed sample to a webhook now, and shows what came back.
import type { WebhookTest } from "@fanfare/sdk";
import { Button, Select } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import { CodeBlock } from "../../parts/code/code-block.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { counted, duration } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { useEventTypes } from "./queries.ts";

interface WebhookTesterProps {
	readonly webhookId: string;
	readonly isStartedAtOnce?: boolean;
}

export function WebhookTester({ webhookId, isStartedAtOnce = false }: WebhookTesterProps) {
	const project = useProject();
	const { data: types = [] } = useEventTypes();
	const [eventType, setEventType] = useState<string | null>(null);
	const test = useMutation({
		mutationFn: () => project.batch.webhooks.test(webhookId, eventType === null ? {} : { eventType }),
	});
	const start = useEffectEvent(() => test.mutate());
	useEffect(() => {
		if (isStartedAtOnce) start();
	}, [isStartedAtOnce]);
	const withExample = types.filter(({ example }) => example !== null).map(({ name }) => name);
	return (
		<div className="stack tight">
			<div className="bar">
				{withExample.length > 0 && (
					<Select
						className="filter"
						size="xs"
						aria-label="What is sent"
						placeholder="A sample of Fanfare's own"
						data={withExample}
						value={eventType}
						clearable
						onChange={setEventType}
					/>
				)}
				<Button
					size="xs"
					variant="default"
					leftSection={<Icon name="send" size={14} />}
					loading={test.isPending}
					onClick={() => test.mutate()}
				>
					{test.isIdle ? "Send a test" : "Test again"}
				</Button>
				{test.isPending && <span className="dim">Waiting for the receiver, 30 s at most…</span>}
			</div>
			{test.isError && <Problem error={test.error} what="The test could not be made" />}
			{test.data !== undefined && !test.isPending && <TestResult result={test.data} />}
		</div>
	);
}

function TestResult({ result }: { readonly result: WebhookTest }) {
	const { status, responseCode, latencyMs, attemptCount, body, reason } = result;
	const isGood = status === "Ok";
	return (
		<div role="status" className="stack tight">
			<div className={`note ${isGood ? "good" : "bad"}`}>
				<Icon name={isGood ? "check" : "cross"} />
				<div>
					<p>
						<strong>{isGood ? `It answered ${responseCode} in ${duration(latencyMs)}.` : "The test failed."}</strong>{" "}
						{reason ?? ""}
					</p>
					{!isGood && (
						<p>
							{counted(attemptCount, "attempt")} made, the last took {duration(latencyMs)}.
						</p>
					)}
				</div>
			</div>
			{body !== null && body !== "" && <CodeBlock text={body} label="The answer" />}
		</div>
	);
}

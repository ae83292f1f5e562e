// Sends a signed sample or data of one's own to a webhook now, and shows what was sent and what came back.
import { Button, Select } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useId, useState, type ReactNode } from "react";

import { Problem } from "../../../parts/feedback/problem.tsx";
import { FieldsShape } from "../../../parts/feedback/skeletons.tsx";
import { isShownBy } from "../../../parts/form/issues.ts";
import { Icon } from "../../../parts/layout/icon.tsx";
import { lazyPart, Part } from "../../../parts/layout/part.tsx";
import { useProject } from "../../../session/caller.ts";
import { useEventTypes } from "../queries.ts";
import { TestResult } from "./test-result.tsx";

const ownData = lazyPart("own-data", async () => (await import("./own-data.tsx")).OwnData);

interface WebhookTesterProps {
	readonly webhookId: string;
	readonly isStartedAtOnce?: boolean;
	/** What to do next, shown after a test that passed. */
	readonly whenPassed?: ReactNode;
}

/** What a test sends: without data the example of its type, without both a sample of Fanfare's own. */
interface Sample {
	readonly eventType?: string;
	readonly data?: unknown;
}

const DOUBT = {
	what: "It is not known whether the test was sent",
	advice: "Look into the log of the receiver. Another test is another request to it.",
};

export function WebhookTester({ webhookId, isStartedAtOnce = false, whenPassed }: WebhookTesterProps) {
	const project = useProject();
	const id = useId();
	const { data: types = [] } = useEventTypes();
	// Before somebody wants it.
	useQuery(ownData);
	const [eventType, setEventType] = useState<string | null>(null);
	const [isOwn, setOwn] = useState(false);
	const test = useMutation({
		mutationFn: (sample: Sample) => project.batch.webhooks.test(webhookId, { ...sample, exchange: true }),
	});
	const start = useEffectEvent(() => test.mutate({}));
	useEffect(() => {
		if (isStartedAtOnce) start();
	}, [isStartedAtOnce]);
	const withExample = types.filter(({ exampleText }) => exampleText !== null).map(({ name }) => name);
	return (
		<div className="stack tight">
			<div className="bar">
				{withExample.length > 0 && !isOwn && (
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
				{!isOwn && (
					<Button
						size="xs"
						variant="default"
						leftSection={<Icon name="send" size={14} />}
						loading={test.isPending}
						onClick={() => test.mutate(eventType === null ? {} : { eventType })}
					>
						{test.isIdle ? "Send a test" : "Test again"}
					</Button>
				)}
				<Button
					size="xs"
					variant="subtle"
					aria-expanded={isOwn}
					aria-controls={id}
					onClick={() => {
						setOwn(!isOwn);
						test.reset();
					}}
				>
					{isOwn ? "Back to the samples" : "With data of your own…"}
				</Button>
				{test.isPending && <span className="dim">Waiting for the receiver, 30 s at most…</span>}
			</div>
			<div id={id} hidden={!isOwn}>
				{isOwn && (
					<Part
						of={ownData}
						props={{
							types,
							initialType: eventType,
							isBusy: test.isPending,
							error: test.error,
							onChange: () => test.isError && test.reset(),
							onSend: (type, data) => test.mutate({ eventType: type, data }),
						}}
						label="the form"
					>
						<FieldsShape fields={2} />
					</Part>
				)}
			</div>
			{test.isError && !(isOwn && isShownBy(test.error, ["eventType", "data"])) && (
				<Problem error={test.error} what="The test could not be made" doubt={DOUBT} />
			)}
			{test.data !== undefined && !test.isPending && (
				<>
					{test.data.status === "Ok" && whenPassed}
					<TestResult result={test.data} />
				</>
			)}
		</div>
	);
}

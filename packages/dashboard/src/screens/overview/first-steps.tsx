// The way of a new project to its first delivery: three steps that tick themselves off.
import type { Attempt, Stats, StreamItem } from "@fanfare/sdk";
import { Button, SegmentedControl } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";

import { useRefreshOn } from "../../live/use-live.ts";
import { CodeBlock } from "../../parts/code/code-block.tsx";
import { VerificationTabs } from "../../parts/code/verification-tabs.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { newKey } from "../../parts/form/new-key.ts";
import { Icon } from "../../parts/layout/icon.tsx";
import { counted } from "../../parts/text/format.ts";
import { useConnection, useMay, useProject } from "../../session/caller.ts";
import { bodyQuery } from "../delivery/queries.ts";
import { arrivedQuery } from "./queries.ts";

const SAMPLE = { type: "test.hello", data: { message: "Hello from Fanfare" } } as const;

type Shown = "not yet" | "begun" | "closed";

/**
 * Whether the steps are shown: from when the project is seen as a new one until somebody closes them, so that whoever takes the last one sees
 * what has arrived. This browser remembers that, for all of its tabs. They do not come back when what has arrived is deleted with its age.
 */
export function useFirstSteps(projectId: string, isNew: boolean) {
	const [shown, setShown] = useLocalStorage<Shown>({
		key: `fanfare.first-steps.${projectId}`,
		defaultValue: "not yet",
		getInitialValueInEffect: false,
	});
	const isToBegin = isNew && shown !== "begun" && shown !== "closed";
	useEffect(() => {
		if (isToBegin) setShown("begun");
	}, [isToBegin, setShown]);
	return { isShown: isToBegin || shown === "begun", close: () => setShown("closed") };
}

interface FirstStepsProps {
	/** Whether the list of webhooks has one. */
	readonly hasWebhook: boolean;
	readonly stats: Stats;
	readonly onClose: () => void;
}

export function FirstSteps({ hasWebhook: isListed, stats, onClose }: FirstStepsProps) {
	const { deliveries } = stats;
	const hasDelivery = Object.values(deliveries).some((count) => count > 0);
	const hasArrived = deliveries.Succeeded > 0;
	// The Inbox is one, too, and not in the list.
	const hasWebhook = isListed || hasDelivery;
	return (
		<section className="card card-pad stack" aria-labelledby="first-steps">
			<div className="head">
				<h2 className="card-title" id="first-steps">
					Three steps to the first delivery
				</h2>
				<div className="head-rest">
					<Button
						size="xs"
						variant="default"
						onClick={() => {
							onClose();
							// The button is gone then.
							document.querySelector<HTMLElement>("#content h1")?.focus({ preventScroll: true });
						}}
					>
						Close the steps
					</Button>
				</div>
			</div>
			<ol className="steps">
				<Step number={1} isDone={hasWebhook} title="Add a webhook">
					<p className="flat dim">
						An address that gets events. Its signing secret is made in your browser and shown once.
					</p>
					{!hasWebhook && (
						<div className="bar">
							<Link className="link" from="/$projectId/" to="/$projectId/webhooks" search={{ form: "new" }}>
								Add a webhook ›
							</Link>
							<span className="dim">or</span>
							<Link className="link" from="/$projectId/" to="/$projectId/inbox">
								use the Inbox ›
							</Link>
							<span className="dim">whose receiver is this tab: nothing to install</span>
						</div>
					)}
				</Step>
				<Step number={2} isDone={hasDelivery} title="Send an event">
					<SendSample isReady={hasWebhook} />
				</Step>
				<Step number={3} isDone={hasArrived} title="See it arrive">
					<p className="flat dim">
						{hasDelivery && !hasArrived
							? "It is under way, or the receiver refuses it: the log says why."
							: "Each attempt is in the log, with the exact request and response."}
					</p>
					{hasArrived && <Arrived />}
					{hasDelivery && (
						<Link className="link" from="/$projectId/" to="/$projectId/deliveries" search={{}}>
							Open the deliveries ›
						</Link>
					)}
					<details className="fold">
						<summary>Verify it in your receiver</summary>
						<VerificationTabs />
					</details>
				</Step>
			</ol>
		</section>
	);
}

/** The request that has arrived last, as it was sent: the receiver checks these headers and this body. */
function Arrived() {
	const project = useProject();
	const options = arrivedQuery(project);
	const { data: delivery, error, refetch } = useQuery(options);
	useRefreshOn(project.id, options.queryKey, isSuccess);
	const attempt = delivery?.attempts.at(-1);
	const { data: body } = useQuery({
		...bodyQuery(project, delivery?.eventId ?? ""),
		enabled: attempt !== undefined,
	});
	if (error !== null) return <Problem error={error} what="The request could not be loaded" onRetry={refetch} />;
	if (attempt === undefined || body === undefined) return null;
	return <CodeBlock label="The signed request" text={requestText(attempt, body)} />;
}

function isSuccess(item: StreamItem): boolean {
	return item.kind === "attempt.finished" && item.result === "success";
}

/** As it goes over the wire. */
function requestText({ endpoint, request }: Pick<Attempt, "endpoint" | "request">, body: string): string {
	const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
	return [`POST ${endpoint ?? ""}`.trim(), ...headers, "", body].join("\n");
}

function Step({
	number,
	isDone,
	title,
	children,
}: {
	readonly number: number;
	readonly isDone: boolean;
	readonly title: string;
	readonly children: ReactNode;
}) {
	return (
		<li className="step">
			<span className={`step-mark ${isDone ? "good" : "calm"}`}>
				{isDone ? <Icon name="check" size={14} /> : number}
				<span className="unseen">{isDone ? "done" : "to do"}</span>
			</span>
			<div className="stack tight">
				<h3 className="card-title">{title}</h3>
				{children}
			</div>
		</li>
	);
}

const FORMS = ["curl", "TypeScript"] as const;
type Form = (typeof FORMS)[number];

/** The same event as a product would send it, to this server and project. */
const EXAMPLES: Readonly<Record<Form, (endpoint: URL, projectId: string) => string>> = {
	curl: (endpoint, projectId) =>
		[
			`curl ${new URL(`projects/${projectId}/events`, endpoint).href} \\`,
			`  -H "Secret-Key: $FANFARE_KEY" -H "Content-Type: application/json" \\`,
			`  -d '${JSON.stringify(SAMPLE)}'`,
		].join("\n"),
	TypeScript: (endpoint, projectId) =>
		[
			`import { Client } from "@fanfare/sdk";`,
			"",
			`const { FANFARE_KEY = "" } = process.env;`,
			`const client = new Client(FANFARE_KEY, { endpoint: "${endpoint.href.replace(/\/$/, "")}" });`,
			`const project = client.project("${projectId}");`,
			`await project.events.send(${JSON.stringify(SAMPLE)});`,
		].join("\n"),
};

function SendSample({ isReady }: { readonly isReady: boolean }) {
	const project = useProject();
	const connection = useConnection();
	const mayWrite = useMay("write");
	const queryClient = useQueryClient();
	// Of the next event: one that is sent again because its answer was lost is the same event.
	const [idempotencyKey, setIdempotencyKey] = useState(newKey);
	const send = useCall({
		mutationFn: () => project.events.send({ ...SAMPLE, idempotencyKey }),
		onSuccess: async ({ deliveryCount }, _, tell) => {
			setIdempotencyKey(newKey());
			tell(`Sent to ${counted(deliveryCount, "webhook")}`);
			await queryClient.invalidateQueries({ queryKey: ["project", project.id] });
		},
	});
	const [form, setForm] = useState<Form>("curl");
	return (
		<>
			<p className="flat dim">From here, or as your product will do it:</p>
			{mayWrite && (
				<div className="bar">
					<Button
						size="xs"
						disabled={!isReady}
						loading={send.isPending}
						leftSection={<Icon name="send" size={14} />}
						onClick={() => send.mutate()}
					>
						Send test.hello
					</Button>
				</div>
			)}
			<div className="bar">
				<SegmentedControl
					size="xs"
					aria-label="Form of the example"
					data={[...FORMS]}
					value={form}
					onChange={(value) => setForm(FORMS.find((one) => one === value) ?? "curl")}
				/>
			</div>
			<CodeBlock
				hasLines
				label={form === "curl" ? "An event by curl" : "An event by the SDK"}
				text={EXAMPLES[form](connection.endpoint, project.id)}
			/>
			{send.isError && <Problem error={send.error} what="The event was not sent" />}
		</>
	);
}

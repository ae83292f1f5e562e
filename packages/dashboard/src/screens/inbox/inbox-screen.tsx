// The Inbox: a webhook whose receiver is this tab. It shows each signed request, and answers as a switch says.
import type { Relay } from "@fanfare/sdk";
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState, type FormEvent } from "react";

import { Payload } from "../../parts/code/payload.tsx";
import { VerificationTabs } from "../../parts/code/verification-tabs.tsx";
import { Empty } from "../../parts/feedback/empty.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { newKey } from "../../parts/form/new-key.ts";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Time } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { useInbox, useInboxState, type AnswerMode, type InboxState, type Received } from "./inbox.ts";

const MODES: readonly { readonly value: AnswerMode; readonly label: string }[] = [
	{ value: "200", label: "200" },
	{ value: "500", label: "500" },
	{ value: "nothing", label: "Nothing" },
];
const MEANING = {
	"200": "Each request succeeds.",
	"500": "Each attempt fails, and is made again later: the deliveries show when.",
	nothing: "Each attempt waits for 5 s, and counts as timed out.",
} as const satisfies Record<AnswerMode, string>;
const SAMPLE = { type: "test.hello", data: { message: "Hello from Fanfare" } } as const;

export function InboxScreen() {
	const inbox = useInbox();
	const project = useProject();
	const mayWrite = useMay("write");
	const state = useInboxState(project.id);
	useEffect(() => {
		if (mayWrite) inbox.resume(project.id);
	}, [inbox, mayWrite, project.id]);
	if (!mayWrite) {
		return (
			<>
				<PageHead title="Inbox" />
				<p className="dim">Your key may only read: the Inbox needs the scope write, since it makes a webhook.</p>
			</>
		);
	}
	return state.status === "closed" ? <Closed state={state} /> : <Open state={state} />;
}

function Closed({ state: { error, refusedTypes } }: { readonly state: InboxState }) {
	const inbox = useInbox();
	const project = useProject();
	// What was typed and refused is there to be corrected.
	const [types, setTypes] = useState(refusedTypes?.join(", ") ?? "");
	const open = (event: FormEvent) => {
		event.preventDefault();
		const named = types.split(",").map((type) => type.trim());
		const wanted = named.filter((type) => type !== "");
		inbox.open(project.id, wanted.length === 0 ? null : wanted);
	};
	return (
		<>
			<PageHead title="Inbox" />
			{error !== null && !isShownBy(error, ["eventTypes"]) && (
				<Problem error={error} what="The Inbox could not be opened" />
			)}
			<form className="card card-pad stack" onSubmit={open}>
				<p className="flat">
					A webhook whose receiver is this tab. It shows each request as it is sent and signed, and responds as you say:
					a way to see retries without a receiver of your own. It is deleted when you close it, or an hour after the tab
					is gone.
				</p>
				<TextInput
					label="Event types"
					description="Names or prefixes such as order.*, with commas between them. Empty for all of them."
					placeholder="All"
					value={types}
					error={issueOf(error, "eventTypes")}
					onChange={({ currentTarget }) => setTypes(currentTarget.value)}
				/>
				<div className="bar">
					<Button type="submit" leftSection={<Icon name="inbox" size={16} />}>
						Open the Inbox
					</Button>
				</div>
			</form>
		</>
	);
}

function Open({ state }: { readonly state: InboxState }) {
	const inbox = useInbox();
	const project = useProject();
	const [chosen, setChosen] = useState<string | null>(null);
	const { relay, received, mode, status } = state;
	const shown = received.find(({ requestId }) => requestId === chosen) ?? received[0];
	// Of the next event: one that is sent again because its answer was lost is the same event.
	const [key, setKey] = useState(newKey);
	const send = useMutation({
		mutationFn: (webhookId: string) =>
			project.events.send({ ...SAMPLE, webhookIds: [webhookId], idempotencyKey: `${key} ${webhookId}` }),
		onSuccess: () => setKey(newKey()),
	});
	const close = useMutation({ mutationFn: () => inbox.close(project.id) });
	return (
		<>
			<PageHead
				title="Inbox"
				actions={
					<>
						<Button
							size="xs"
							disabled={relay === null || status !== "ready"}
							loading={send.isPending}
							leftSection={<Icon name="send" size={14} />}
							onClick={() => relay !== null && send.mutate(relay.webhookId)}
						>
							Send test.hello
						</Button>
						<Button size="xs" variant="default" loading={close.isPending} onClick={() => close.mutate()}>
							Close the Inbox
						</Button>
					</>
				}
			>
				<Condition state={state} />
			</PageHead>
			{(send.error ?? close.error) !== null && <Problem error={send.error ?? close.error} />}
			<section className="card card-pad bar" aria-label="Response">
				<strong>Response</strong>
				<SegmentedControl
					size="xs"
					aria-label="Respond with"
					data={[...MODES]}
					value={mode}
					onChange={(value) => inbox.setMode(project.id, MODES.find((one) => one.value === value)?.value ?? "200")}
				/>
				<span className="dim">{MEANING[mode]}</span>
			</section>
			{shown === undefined ? (
				<Empty icon="inbox" title={status === "ready" ? "Waiting for the first request" : "Opening the Inbox"}>
					{relay === null
						? "Nothing arrives here yet."
						: `${arriving(relay)} Send test.hello, or send an event from your product.`}
				</Empty>
			) : (
				<div className="delivery">
					<Requests received={received} shown={shown} onChoose={setChosen} />
					<Request one={shown} projectId={project.id} />
				</div>
			)}
		</>
	);
}

function arriving({ eventTypes }: Relay): string {
	if (eventTypes === null) return "Every event of this project arrives here from now on.";
	return `Events of these types arrive here from now on: ${eventTypes.join(", ")}.`;
}

function Condition({ state: { status, reason } }: { readonly state: InboxState }) {
	const inbox = useInbox();
	const project = useProject();
	if (status === "ready") return <span className="state good">✓ Open</span>;
	if (status === "opening") return <span className="state info">◷ Opening</span>;
	return (
		<>
			<span className="state warn">‖ {status === "away" ? "Away" : "Ended"}</span>
			<span className="dim">{reason}</span>
			{status === "ended" && (
				<Button size="compact-sm" variant="default" onClick={() => inbox.openAgain(project.id)}>
					Open it here
				</Button>
			)}
		</>
	);
}

interface RequestsProps {
	readonly received: readonly Received[];
	readonly shown: Received;
	readonly onChoose: (requestId: string) => void;
}

function Requests({ received, shown, onChoose }: RequestsProps) {
	return (
		<section className="card card-pad stack tight" aria-label="Requests">
			<h2 className="card-title">
				Requests <span className="dim num">{received.length}</span>
			</h2>
			<ol className="inbox-list">
				{received.map(({ requestId, at, answer, eventType, attemptNumber }) => (
					<li key={requestId}>
						<button
							type="button"
							className="inbox-item"
							aria-pressed={requestId === shown.requestId}
							onClick={() => onChoose(requestId)}
						>
							<span className={answer === "200" ? "text-good" : "text-bad"}>
								{answer === "nothing" ? "no response" : answer}
							</span>
							<span className="inbox-type">
								<span className="cut mono" title={eventType ?? undefined}>
									{eventType}
								</span>
								{attemptNumber > 1 && <span className="dim num">attempt {attemptNumber}</span>}
							</span>
							<Time at={at} />
						</button>
					</li>
				))}
			</ol>
		</section>
	);
}

function Request({ one, projectId }: { readonly one: Received; readonly projectId: string }) {
	return (
		<section className="card card-pad stack" aria-label="Request">
			<div className="head">
				<h2 className="card-title">Request</h2>
				{one.isSigned === true && <span className="state good">✓ Signature verified</span>}
				{one.isSigned === false && <span className="state bad">✗ Signature does not verify</span>}
				{one.deliveryId !== null && (
					<Link
						className="link"
						to="/$projectId/deliveries/$deliveryId"
						params={{ projectId, deliveryId: one.deliveryId }}
					>
						Its delivery ›
					</Link>
				)}
			</div>
			<dl className="facts mono headers">
				{one.headers.map(([name, value], index) => (
					<div key={index} className="keys-row">
						<dt>{name}</dt>
						<dd>{value}</dd>
					</div>
				))}
			</dl>
			<Payload text={one.body} label="Request body" />
			<details className="fold">
				<summary>Verify it in your receiver</summary>
				<div className="stack">
					<VerificationTabs />
				</div>
			</details>
		</section>
	);
}

// The form that sends an event. What the server refuses is shown at its field, in the payload at its line.
import { ApiError } from "@fanfare/sdk";
import { Autocomplete, Button, Menu, SegmentedControl, TagsInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useMemo, useRef, useState, type FormEvent } from "react";

import { prettyText } from "../../parts/code/json-tokens.ts";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { newKey } from "../../parts/form/new-key.ts";
import { readJson } from "../../parts/json/exact-json.ts";
import { JsonEditor } from "../../parts/json/json-editor.tsx";
import { payloadIssues } from "../../parts/json/payload-issues.ts";
import { Icon } from "../../parts/layout/icon.tsx";
import { counted, idEnd } from "../../parts/text/format.ts";
import { formatTime, useZone } from "../../parts/text/zone.ts";
import { useProject } from "../../session/caller.ts";
import { eventDataQuery, recentEventsQuery } from "../events/queries.ts";
import { useWebhookNames } from "../webhooks/names.ts";
import { useEventTypes } from "../webhooks/queries.ts";
import { WebhookMultiSelect } from "../webhooks/webhook-choice.tsx";
import { AUDIENCES, EMPTY, errorsOf, exampleText, PATHS, toEvent, type Draft } from "./draft.ts";
import { WhoGetsIt } from "./who-gets-it.tsx";

const AUDIENCE_NAMES = { nobody: "None", customers: "Some", all: "All" } as const;

export function SendForm({ initial }: { readonly initial: Draft }) {
	const project = useProject();
	const navigate = useNavigate();
	const queryClient = useQueryClient();
	const make = useWatchedCall();
	/** Somebody may have gone to another screen meanwhile. */
	const isHere = useIsShown();
	const { data: types = [] } = useEventTypes();
	const webhooks = useWebhookNames();
	const [draft, setDraft] = useState(initial);
	const type = types.find(({ name }) => name === draft.type.trim());
	const example = useMemo(() => exampleText(type), [type]);
	// The example that was filled in last: as long as the payload is this one, that of another type may replace it.
	const [filledIn, setFilledIn] = useState(example);
	const [errors, setErrors] = useState<ReturnType<typeof errorsOf>>({});
	// Of this draft: a send that is repeated because its answer was lost is the same event.
	const [idempotencyKey, setIdempotencyKey] = useState(newKey);
	const form = useRef<HTMLFormElement>(null);
	const json = readJson(draft.text);
	const send = useCall({
		mutationFn: (event: ReturnType<typeof toEvent>) => project.events.send(event),
		onSuccess: (event, _, tell) => {
			tell(`Sent to ${counted(event.deliveryCount, "webhook")}`);
			void queryClient.invalidateQueries({ queryKey: ["project", project.id] });
			if (isHere())
				void navigate({ to: "/$projectId/events/$eventId", params: { projectId: project.id, eventId: event.id } });
		},
		onError: () =>
			requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus()),
	});
	const change = (part: Partial<Draft>) => {
		setDraft((now) => ({ ...now, ...part }));
		setIdempotencyKey(newKey());
		if (send.isError) send.reset();
	};
	const submit = (event?: FormEvent) => {
		event?.preventDefault();
		if (send.isPending) return;
		const found = errorsOf(draft);
		setErrors(found);
		if (Object.keys(found).length === 0) {
			const event = toEvent(draft, json, idempotencyKey);
			make(`${event.type} was not sent`, () => send.mutateAsync(event));
		} else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
	};
	const chooseType = (name: string) => {
		const isOwn = ![EMPTY.text, "", filledIn].includes(draft.text);
		const text = exampleText(types.find((one) => one.name === name));
		change({ type: name, ...(!isOwn && text !== null && { text }) });
		if (!isOwn && text !== null) setFilledIn(text);
	};
	return (
		<div className="beside">
			<form ref={form} className="card card-pad stack" onSubmit={submit} noValidate>
				<Autocomplete
					label="Event type"
					description={type?.description ?? "One of your event types, or another such as order.paid"}
					required
					spellCheck={false}
					data={types.map(({ name }) => name)}
					limit={100}
					maxDropdownHeight={260}
					value={draft.type}
					error={errors.type ?? issueOf(send.error, "type")}
					onChange={chooseType}
				/>
				<div className="stack tight">
					<div className="bar">
						<FillIn
							draft={draft}
							example={example}
							onText={(text) => {
								change({ text });
								if (text === example) setFilledIn(text);
							}}
						/>
					</div>
					<JsonEditor
						label="Payload"
						description="The data of the event, as JSON. Numbers keep all their digits."
						text={draft.text}
						issues={payloadIssues(errors.text === undefined ? undefined : json, json, send.error)}
						onChange={(text) => change({ text })}
						onSubmit={submit}
						leastLines={12}
					/>
				</div>
				<div className="stack tight">
					<span className="field-label" id="audience">
						For which customers
					</span>
					<SegmentedControl
						aria-labelledby="audience"
						data={AUDIENCES.map((value) => ({ value, label: AUDIENCE_NAMES[value] }))}
						value={draft.audience}
						onChange={(value) => change({ audience: AUDIENCES.find((one) => one === value) ?? "nobody" })}
					/>
					{draft.audience === "customers" && (
						<TagsInput
							label="Customers"
							description="Their ids, up to 100"
							splitChars={[",", " ", ";"]}
							acceptValueOnBlur
							data={[...new Set(webhooks.flatMap(({ customerId }) => customerId ?? []))].slice(0, 1_000)}
							maxDropdownHeight={220}
							limit={50}
							value={[...draft.customerIds]}
							error={errors.customerIds ?? issueOf(send.error, "customerIds")}
							onChange={(customerIds) => change({ customerIds })}
						/>
					)}
				</div>
				<details
					className="fold"
					open={["tags", "webhookIds"].some((path) => issueOf(send.error, path) !== undefined) || undefined}
				>
					<summary>Tags, certain webhooks</summary>
					<div className="stack">
						<TagsInput
							label="Tags"
							description="Up to five, such as order:4711, by which you find it again"
							splitChars={[",", " ", ";"]}
							acceptValueOnBlur
							value={[...draft.tags]}
							error={issueOf(send.error, "tags")}
							onChange={(tags) => change({ tags })}
						/>
						<WebhookMultiSelect
							label="Only to these webhooks"
							description="Whatever their event types. Without one: all that want it"
							value={draft.webhookIds}
							error={issueOf(send.error, "webhookIds")}
							onChange={(webhookIds) => change({ webhookIds })}
						/>
					</div>
				</details>
				{send.error !== null && !isShownBy(send.error, PATHS) && (
					<Problem error={send.error} what="Not sent. Nothing that you typed is lost." />
				)}
				<div className="bar">
					<Button type="submit" loading={send.isPending} leftSection={<Icon name="send" size={16} />}>
						Send
					</Button>
					<span className="dim only-wide">
						or <kbd>Ctrl</kbd> <kbd>Enter</kbd> in the payload
					</span>
				</div>
			</form>
			<WhoGetsIt draft={draft} isInternal={type?.visibility === "internal"} />
		</div>
	);
}

interface FillInProps {
	readonly draft: Draft;
	readonly example: string | null;
	readonly onText: (text: string) => void;
}

/** Payloads to begin with: the example of the type, and those that were sent last. */
function FillIn({ draft, example, onText }: FillInProps) {
	const project = useProject();
	const queryClient = useQueryClient();
	const toast = useToast();
	const [zone] = useZone();
	const [isOpen, setOpen] = useState(false);
	const { data: recent = [] } = useQuery({
		...recentEventsQuery(project, draft.type.trim()),
		enabled: isOpen && draft.type.trim() !== "",
	});
	// The event whose payload is on its way, and the text that it takes the place of.
	const [wanted, setWanted] = useState<{ readonly eventId: string; readonly instead: string } | null>(null);
	const load = useEffectEvent((eventId: string) => queryClient.fetchQuery(eventDataQuery(project, eventId)));
	// The rest of the form may have changed when the payload comes.
	const take = useEffectEvent((text: string | null) => {
		setWanted(null);
		if (text === null) toast("The payload of that event was erased");
		else if (draft.text !== wanted?.instead) toast("Not filled in: the payload was changed meanwhile");
		else onText(prettyText(text));
	});
	const giveUp = useEffectEvent((error: unknown) => {
		setWanted(null);
		toast(error instanceof ApiError ? error.message : "The server does not answer");
	});
	useEffect(() => {
		if (wanted === null) return;
		let isWanted = true;
		void load(wanted.eventId).then(
			(text) => isWanted && take(text),
			(error: unknown) => isWanted && giveUp(error),
		);
		return () => {
			isWanted = false;
		};
	}, [wanted]);
	return (
		<Menu position="bottom-start" opened={isOpen} onChange={setOpen}>
			<Menu.Target>
				<Button size="compact-sm" variant="default" rightSection={<Icon name="down" size={14} />}>
					Fill in a payload
				</Button>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Item disabled={example === null} onClick={() => example !== null && onText(example)}>
					{example === null ? "The type has no example" : "The example of the type"}
				</Menu.Item>
				{recent.length > 0 && <Menu.Label>As sent before</Menu.Label>}
				{recent.map(({ id, createDate }) => (
					<Menu.Item key={id} onClick={() => setWanted({ eventId: id, instead: draft.text })}>
						{formatTime(createDate, "short", zone)} <span className="dim mono">{idEnd(id)}</span>
					</Menu.Item>
				))}
			</Menu.Dropdown>
		</Menu>
	);
}

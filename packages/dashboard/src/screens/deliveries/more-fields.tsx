// The fields of the filters by customer, by event and by the kind of error.
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { valuesOf, type ErrorName } from "../../app/search.ts";
import { ERROR_WORDS, errorWords } from "./filter-words.ts";

/** What is typed into the fields; empty for no filter. */
export interface LessWanted {
	readonly customer: string;
	readonly event: string;
	readonly error: string;
}

interface MoreFieldsProps {
	readonly texts: LessWanted;
	/** The errors that are filtered by now. An address may name several at once. */
	readonly applied: string;
	readonly onChange: (texts: LessWanted) => void;
	readonly onApply: (wanted: LessWanted) => void;
	readonly onClose: () => void;
}

const CUSTOMER_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const EVENT_ID = /^evt_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ERRORS = Object.keys(ERROR_WORDS) as readonly ErrorName[];

export function MoreFields({ texts, applied, onChange, onApply, onClose }: MoreFieldsProps) {
	const [isTried, setTried] = useState(false);
	const [customer, event] = [texts.customer.trim(), texts.event.trim()];
	const isWrong = {
		customer: customer !== "" && !CUSTOMER_ID.test(customer),
		event: event !== "" && !EVENT_ID.test(event),
	};
	const apply = (submitted: FormEvent) => {
		submitted.preventDefault();
		setTried(true);
		if (!isWrong.customer && !isWrong.event) onApply({ customer, event, error: texts.error });
	};
	const choices = applied === "" || ERRORS.some((one) => one === applied) ? ERRORS : [applied, ...ERRORS];
	const text = { autoComplete: "off", spellCheck: false, maxLength: 512 } as const;
	return (
		<form className="stack tight" onSubmit={apply} noValidate>
			<TextInput
				{...text}
				label="Customer"
				placeholder="Any customer"
				description="Its whole id"
				data-autofocus
				value={texts.customer}
				error={isTried && isWrong.customer && "1–128 letters, digits and . _ : -"}
				onChange={({ currentTarget }) => onChange({ ...texts, customer: currentTarget.value })}
			/>
			<TextInput
				{...text}
				label="Event"
				placeholder="Any event"
				description="Its whole id, such as evt_01936a2e-…"
				value={texts.event}
				error={isTried && isWrong.event && "evt_ and a UUID, as on the screen of the event"}
				onChange={({ currentTarget }) => onChange({ ...texts, event: currentTarget.value })}
			/>
			<NativeSelect
				label="Error"
				description="The kind of error of the last attempt"
				value={texts.error}
				data={[
					{ value: "", label: "Any error, or none" },
					...choices.map((value) => ({ value, label: valuesOf(value).map(errorWords).join(", ") })),
				]}
				onChange={({ currentTarget }) => onChange({ ...texts, error: currentTarget.value })}
			/>
			<div className="bar end">
				<Button size="xs" variant="default" onClick={onClose}>
					Close
				</Button>
				<Button size="xs" type="submit">
					Apply
				</Button>
			</div>
		</form>
	);
}

// A text field with its label, hint and what is wrong with it.
import { useId } from "react";

interface FieldProps {
	readonly label: string;
	readonly hint?: string;
	readonly value: string;
	readonly error?: string | undefined;
	readonly type?: "text" | "url";
	readonly onChange: (value: string) => void;
}

export function Field({ label, hint, value, error, type = "text", onChange }: FieldProps) {
	const id = useId();
	return (
		<div className="field">
			<label htmlFor={id}>{label}</label>
			{hint !== undefined && (
				<p id={`${id}-hint`} className="dim">
					{hint}
				</p>
			)}
			<input
				id={id}
				// Not `url`: browsers would show their own complaints, in the browser's language.
				type="text"
				inputMode={type}
				// Addresses are written from left to right in every language.
				dir={type === "url" ? "ltr" : "auto"}
				autoComplete="off"
				autoCapitalize="off"
				spellCheck={false}
				value={value}
				aria-invalid={error !== undefined || undefined}
				aria-describedby={
					[hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean).join(" ") ||
					undefined
				}
				onChange={({ currentTarget }) => onChange(currentTarget.value)}
			/>
			{error !== undefined && (
				<p id={`${id}-error`} className="field-error" role="alert">
					{error}
				</p>
			)}
		</div>
	);
}

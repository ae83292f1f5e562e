// A key that nobody can read later.
import { Button } from "@mantine/core";

import { CodeBlock } from "../../parts/code/code-block.tsx";
import { CopyButton } from "../../parts/text/copy.tsx";
import { useConnection } from "../../session/caller.ts";

export function KeyOnce({ secretKey, onDone }: { readonly secretKey: string; readonly onDone: () => void }) {
	const { endpoint } = useConnection();
	return (
		<div className="stack">
			<section className="stack tight" aria-label="The key">
				<div className="secret">
					<code className="mono">{secretKey}</code>
					<CopyButton text={secretKey} label="Copy the key" />
				</div>
				<p className="dim flat">Put it where it is needed now: it is never shown again.</p>
			</section>
			<CodeBlock
				hasLines
				label="A first call"
				text={`export FANFARE_KEY=…\ncurl ${new URL("workspace/projects", endpoint).href} \\\n  -H "Secret-Key: $FANFARE_KEY"`}
			/>
			<div className="bar">
				<Button onClick={onDone}>I have stored it</Button>
			</div>
		</div>
	);
}

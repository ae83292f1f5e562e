// The scripts with which shells complete commands: each asks `fanfare complete` with the words that were typed, and evaluates none of them.

/** The shells that can be completed. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of them. */
export type Shell = (typeof SHELLS)[number];

/** What `fanfare complete` prints if files are to be completed. */
export const FILES = ":files";

/** The script of a shell. */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
	bash: `# Completion of fanfare for bash.
_fanfare() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		if [ "$line" = "${FILES}" ]; then
			compopt -o default 2>/dev/null
			return
		fi
		COMPREPLY+=("\${line%%$'\\t'*}")
	done < <(fanfare complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _fanfare fanfare
`,
	zsh: `#compdef fanfare
# Completion of fanfare for zsh.
_fanfare() {
	local line
	local -a lines found
	lines=("\${(@f)$(fanfare complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ "\${lines[1]}" == "${FILES}" ]]; then
		_files
		return
	fi
	for line in "\${lines[@]}"; do
		[[ -n "$line" ]] || continue
		found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
	done
	_describe fanfare found
}
if [[ "\${funcstack[1]}" == "_fanfare" ]]; then
	_fanfare "$@"
else
	compdef _fanfare fanfare
fi
`,
	fish: `# Completion of fanfare for fish.
function __fanfare_complete
	set -l words (commandline -opc) (commandline -ct)
	for line in (fanfare complete -- $words[2..-1] 2>/dev/null)
		if test "$line" = "${FILES}"
			__fish_complete_path (commandline -ct)
		else
			echo $line
		end
	end
end
complete -c fanfare -f -a '(__fanfare_complete)'
`,
};

/** How each is installed. */
export const INSTALLATION: Readonly<Record<Shell, string>> = {
	bash: "Add to ~/.bashrc:  source <(fanfare completion bash)",
	zsh: "Add to ~/.zshrc, after compinit:  source <(fanfare completion zsh)",
	fish: "Once:  fanfare completion fish > ~/.config/fish/completions/fanfare.fish",
};

# SPDX-License-Identifier: Apache-2.0
# bash completion for loopstall; made from its option table
_loopstall()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=
	case $before in
	--output|-o) COMPREPLY=($(compgen -f -- "$word")); return ;;
	esac
	case ${COMP_WORDS[1]} in
	version) options='--help --version ' ;;
	help) options='--help --version ' ;;
	doctor) options='--json --verbose --no-color --help --version ' ;;
	list) options='--pid --tid --cgroup --all --no-follow --duration --threshold --json --verbose --no-color --ring-size --max-loops --max-threads --help --version ' ;;
	hist) options='--pid --tid --cgroup --all --no-follow --duration --threshold --json --verbose --no-color --ring-size --max-loops --max-threads --help --version ' ;;
	check) options='--pid --tid --cgroup --all --no-follow --duration --threshold --fail-if --ignore --record-min --json --verbose --no-color --source --no-stacks --kernel-stacks --rate --ring-size --max-loops --max-threads --help --version ' ;;
	export) options='--threshold --format --help --version '; compopt -o default ;;
	report) options='--threshold --json --replay --verbose --no-color --help --version '; compopt -o default ;;
	record) options='--pid --tid --cgroup --all --no-follow --duration --threshold --output --last --record-min --json --verbose --no-color --source --no-stacks --kernel-stacks --rate --ring-size --max-loops --max-threads --help --version ' ;;
	dump) options='--pid --tid --cgroup --all --no-follow --threshold --record-min --json --verbose --no-color --source --no-stacks --kernel-stacks --rate --ring-size --max-loops --max-threads --help --version ' ;;
	*) options='--pid --tid --cgroup --all --no-follow --duration --threshold --record-min --json --verbose --no-color --source --no-stacks --kernel-stacks --rate --ring-size --max-loops --max-threads --help --version ' ;;
	esac
	[ "$COMP_CWORD" -eq 1 ] && options="$options dump record report export check hist list doctor help version"
	COMPREPLY=($(compgen -W "$options" -- "$word"))
}
complete -F _loopstall loopstall

import type { Command } from 'commander'
import { mandateCommand } from './mandate.command.js'

interface Typed {
  words: string
  command: Command
}

const everyCommand = (command: Command, before = ''): Typed[] => {
  const words = `${before} ${command.name()}`.trim()
  return [{ words, command }, ...command.commands.flatMap((each) => everyCommand(each, words))]
}

function helpOf(command: Command): string {
  let said = ''
  command.configureOutput({ writeOut: (text) => (said += text) }).outputHelp()
  return said
}

describe('the help of', () => {
  const commands = everyCommand(mandateCommand(false))

  it.each(commands)('"$words" says what it does and what each option means', ({ words, command }) => {
    const help = helpOf(command)
    expect(help).toMatch(new RegExp(`^Usage: ${words} .*\\n\\n.{20,}\\n`))
    for (const option of help.match(/^ {2}--[\w-]+ <[\w.-]+>.*/gm) ?? []) expect(option).toMatch(/ {2}\S/)
  })

  it.each(['clients create', 'providers set google', 'providers set microsoft', 'audit archive'])(
    '"mandate %s" has an example',
    (words) => {
      const { command } = commands.find((each) => each.words === `mandate ${words}`)!
      expect(helpOf(command)).toContain(`$ mandate ${words} `)
    },
  )
})

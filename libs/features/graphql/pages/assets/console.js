/* Sends what is typed to /graphql, with the key that is typed, and prints what comes back. Nothing is stored. */

const field = (id) => document.getElementById(id)
const answer = field('answer')

async function ask(query, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    credentials: 'omit',
    headers: { 'content-type': 'application/json', 'x-api-key': field('key').value.trim() },
    body: JSON.stringify({ query, variables }),
  })
  return response.json()
}

/** @param {() => Promise<string>} work */
async function show(work) {
  answer.textContent = 'Waiting for the answer …'
  try {
    answer.textContent = await work()
  } catch (error) {
    answer.textContent = `No answer: ${error.message}`
  }
}

field('request').addEventListener('submit', (event) => {
  event.preventDefault()
  show(async () => {
    const typed = field('variables').value.trim()
    let variables
    try {
      variables = typed ? JSON.parse(typed) : undefined
    } catch (error) {
      return `The variables are not JSON: ${error.message}`
    }
    return JSON.stringify(await ask(field('query').value, variables), null, 2)
  })
})

const SCHEMA = `{
  __schema { types {
    kind name description
    fields { name description type { ...ref } args { name type { ...ref } } }
    inputFields { name description type { ...ref } }
    enumValues { name description }
  } }
}
fragment ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`

field('schema').addEventListener('click', () => {
  show(async () => {
    const { data, errors } = await ask(SCHEMA)
    if (!data) return JSON.stringify({ errors }, null, 2)
    const own = data.__schema.types.filter(({ name }) => !/^(__.*|ID|String|Boolean)$/.test(name))
    return own.map(inWords).join('\n\n')
  })
})

const KEYWORDS = { OBJECT: 'type', INPUT_OBJECT: 'input', ENUM: 'enum', SCALAR: 'scalar' }

function inWords({ kind, name, description, fields, inputFields, enumValues }) {
  const members = (fields ?? inputFields ?? enumValues ?? []).map((member) => {
    const args = member.args?.length
      ? `(${member.args.map((arg) => `${arg.name}: ${typeOf(arg.type)}`).join(', ')})`
      : ''
    return `${remark(member.description, '  ')}  ${member.name}${args}${member.type ? `: ${typeOf(member.type)}` : ''}`
  })
  const body = members.length > 0 ? ` {\n${members.join('\n')}\n}` : ''
  return `${remark(description, '')}${KEYWORDS[kind]} ${name}${body}`
}

const remark = (text, indent) => (text ? `${indent}# ${text}\n` : '')

function typeOf({ kind, name, ofType }) {
  if (kind === 'NON_NULL') return `${typeOf(ofType)}!`
  return kind === 'LIST' ? `[${typeOf(ofType)}]` : name
}

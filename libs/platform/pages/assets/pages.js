/* Everything works without this file. It adds copy buttons, and lets a form be sent once. */

for (const button of document.querySelectorAll('button[data-copy]')) {
  const label = button.textContent
  button.hidden = false
  button.addEventListener('click', async () => {
    const value = document.getElementById(button.dataset.copy)
    try {
      await navigator.clipboard.writeText(value.textContent)
      button.textContent = button.dataset.done
    } catch {
      getSelection().selectAllChildren(value)
      button.textContent = button.dataset.failed
    }
    setTimeout(() => {
      button.textContent = label
    }, 2500)
  })
}

// A second click would abandon the answer to the first. The server can tell the two apart; this spares people the wait.
for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.once === 'sent') event.preventDefault()
    form.dataset.once = 'sent'
  })
}
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-once]')) form.dataset.once = ''
})

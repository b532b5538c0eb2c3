import { describe, expect, it } from 'vitest'
import { LineProcess } from './lineProcess.js'

const echo = `
  console.log('chatter'); console.log(JSON.stringify({ ready: true }))
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    if (line === 'die') { console.error('out of luck'); process.exit(3) }
    console.log(JSON.stringify({ line }))
  })`

describe('LineProcess', () => {
  it('says hello, skips chatter and answers in order', async () => {
    const child = new LineProcess('echo', process.execPath, ['-e', echo])
    expect(await child.next()).toEqual({ ready: true })
    expect(await Promise.all([child.ask('a'), child.ask('b')])).toEqual([{ line: 'a' }, { line: 'b' }])
    child.kill()
  })

  it('tells exit code and stderr of a process that dies', async () => {
    const child = new LineProcess('echo', process.execPath, ['-e', echo])
    await child.next()
    await expect(child.ask('die')).rejects.toThrow(/echo ended with exit code 3\.\nout of luck/)
    await expect(child.ask('more')).rejects.toThrow(/exit code 3/)
  })

  it('names a command that does not exist', async () => {
    const child = new LineProcess('ghost', 'no-such-command-here', [])
    await expect(child.next()).rejects.toThrow(/ghost cannot be started: .*ENOENT/)
  })
})

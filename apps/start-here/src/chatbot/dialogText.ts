import { RandomGenerator } from '@nemo/core'

const ANIMALS: readonly (readonly [name: string, legs: string, sound: string])[] = [
  ['dog', 'four', 'woof'],
  ['cat', 'four', 'meow'],
  ['cow', 'four', 'moo'],
  ['duck', 'two', 'quack'],
  ['hen', 'two', 'cluck'],
  ['sheep', 'four', 'baa'],
  ['frog', 'four', 'ribbit'],
  ['bee', 'six', 'buzz'],
]

const THINGS: readonly (readonly [name: string, color: string])[] = [
  ['sky', 'blue'],
  ['grass', 'green'],
  ['snow', 'white'],
  ['coal', 'black'],
  ['sun', 'yellow'],
  ['blood', 'red'],
]

const SMALL_TALK: readonly (readonly [string, string])[] = [
  ['hello', 'hello , how are you ?'],
  ['good morning', 'good morning to you .'],
  ['how are you ?', 'fine , thank you .'],
  ['what is your name ?', 'my name is nemo .'],
  ['who are you ?', 'i am a small fish .'],
  ['where do you live ?', 'in the sea .'],
  ['thank you', 'you are welcome .'],
  ['goodbye', 'see you soon .'],
]

/** A small text of questions and answers, a pair in each line with a tab between. The order depends on the seed. */
export function makeDialogText(seed: number): string {
  const pairs = [
    ...SMALL_TALK,
    ...ANIMALS.flatMap(([name, legs, sound]) => [
      [`how many legs has a ${name} ?`, `a ${name} has ${legs} legs .`],
      [`what does a ${name} say ?`, `${sound} ${sound} .`],
    ]),
    ...THINGS.flatMap(([name, color]) => [
      [`what color is ${name} ?`, `${name} is ${color} .`],
      [`what is ${color} ?`, `the ${name} is ${color} .`],
    ]),
  ]
  const lines = new RandomGenerator(seed).shuffle(pairs).map(([source, target]) => `${source}\t${target}`)
  return `${lines.join('\n')}\n`
}

"""The numbers of PyTorch that nn/src/learn/tests.rs holds: the same weights, the same batches, the same steps.

    python check_learn_torch.py            prints them as Rust
    python check_learn_torch.py --speed    also times a step of training, one thread, for benches/RESULTS.md

Needs torch. Weights and images come from a formula that both sides can repeat exactly; AdamW as in nn/src/learn/adamw.rs, only weights of convolutions and linear
layers decay.
"""

import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
RATE, DECAY, STEPS = 1e-3, 0.01, 12


def noise(start, count):
    """Numbers from -0.5 to 0.5, exact in both languages."""
    i = (np.arange(start, start + count, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
    return i.astype(np.float64) / 2**32 - 0.5


class Block(nn.Sequential):
    def __init__(self, inputs, outputs, kernel=3, stride=1, relu=True):
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
        super().__init__(*layers, *([nn.ReLU()] if relu else []))


class Basic(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.a = Block(inputs, outputs, 3, stride)
        self.b = Block(outputs, outputs, relu=False)
        self.beside = Block(inputs, outputs, 1, stride, relu=False) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.b(self.a(x)) + self.beside(x))


class ResNet(nn.Module):
    def __init__(self, width, classes=2):
        super().__init__()
        self.stem = Block(1, width)
        self.stages = nn.Sequential(Basic(width, width, 1), Basic(width, 2 * width, 2), Basic(2 * width, 4 * width, 2))
        self.classes = nn.Linear(4 * width, classes)

    def forward(self, x):
        return self.classes(self.stages(self.stem(x)).mean((2, 3)))


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.a = Block(2 * outputs, outputs)
        self.b = Block(outputs, outputs)

    def forward(self, x, beside):
        return self.b(self.a(torch.cat([self.up(x), beside], 1)))


class UNet(nn.Module):
    def __init__(self, channels, classes, width, levels):
        super().__init__()
        sides = [channels] + [width << level for level in range(levels)]
        self.down = nn.ModuleList(nn.Sequential(Block(i, o), Block(o, o)) for i, o in zip(sides, sides[1:]))
        self.up = nn.ModuleList(Up(width << level + 1, width << level) for level in reversed(range(levels - 1)))
        self.classes = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        kept = []
        for level, down in enumerate(self.down):
            x = down(x if level == 0 else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for up, beside in zip(self.up, reversed(kept[:-1])):
            x = up(x, beside)
        return self.classes(x)


def fill(net):
    """Weights of variance 2 / inputs from the formula, counted over all numbers that are trained; all else as it begins."""
    at = 0
    decaying, others = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            count = parameter.numel()
            shape = parameter.shape
            if parameter.dim() > 1:
                inputs = shape[0] if isinstance(module, nn.ConvTranspose2d) else parameter[0].numel()
                values = noise(at, count) * np.sqrt(24 / inputs)
                decaying.append(parameter)
            else:
                values = np.full(count, 1.0 if isinstance(module, nn.BatchNorm2d) and name == "weight" else 0.0)
                others.append(parameter)
            parameter.data = torch.from_numpy(values.astype(np.float32)).reshape(shape)
            at += count
    return [{"params": decaying, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]


def images(step, n, channels, side):
    """Odd images are brighter in their upper half."""
    count = n * channels * side * side
    values = noise(step * 1_000_003, count).reshape(n, channels, side, side) * 2
    values[1::2, :, : side // 2] += 0.25
    return torch.from_numpy(values.astype(np.float32))


def labels(n, side):
    """A box in each image; in odd ones a smaller one."""
    truth = np.zeros((n, side, side), np.int64)
    truth[0::2, 8:24, 8:24] = 1
    truth[1::2, 4:12, 12:28] = 1
    return torch.from_numpy(truth)


def dice_cross_entropy(results, truth):
    chances = torch.log_softmax(results, 1)
    entropy = nn.functional.nll_loss(chances, truth)
    found = chances.exp()[:, 1]
    true = (truth == 1).float()
    dice = (2 * (found * true).sum() + 1) / (found.sum() + true.sum() + 1)
    return 0.5 * (entropy + 1 - dice)


def train(net, batch, loss):
    adam = torch.optim.AdamW(fill(net), lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    net.eval()
    with torch.no_grad():
        before = net(batch(0)).flatten()[:8].tolist()
    net.train()
    losses = []
    for step in range(STEPS):
        value = loss(net(batch(step)))
        adam.zero_grad()
        value.backward()
        adam.step()
        losses.append(value.item())
    net.eval()
    with torch.no_grad():
        after = net(batch(0)).flatten()[:8].tolist()
    return before, losses, after


def speed(net, batch, loss, steps):
    adam = torch.optim.AdamW(fill(net), lr=RATE)
    net.train()
    for step in range(2 + steps):
        if step == 2:
            began = time.process_time()
        value = loss(net(batch))
        adam.zero_grad()
        value.backward()
        adam.step()
    return (time.process_time() - began) / steps


def main():
    truth = torch.arange(16) % 2
    of_classes = lambda results: nn.functional.cross_entropy(results, truth)
    of_pixels = lambda results: dice_cross_entropy(results, labels(2, 32))
    for name, net, batch, loss in [
        ("RESNET", ResNet(8), lambda step: images(step, 16, 1, 28), of_classes),
        ("UNET", UNet(3, 2, 4, 3), lambda step: images(step, 2, 3, 32), of_pixels),
    ]:
        for part, values in zip(["BEFORE", "LOSSES", "AFTER"], train(net, batch, loss)):
            print(f"const {name}_{part}: [f64; {len(values)}] = [{', '.join(f'{v:.7f}' for v in values)}];")
    if "--speed" in sys.argv:
        half = torch.arange(64) % 2
        seconds = speed(ResNet(16), images(0, 64, 1, 28), lambda r: nn.functional.cross_entropy(r, half), 20)
        print(f"ResNet of width 16, 64 images of 28 x 28: {seconds:.3f} s of CPU a step")
        box = labels(8, 96)
        seconds = speed(UNet(3, 2, 16, 4), images(0, 8, 3, 96), lambda r: dice_cross_entropy(r, box), 10)
        print(f"U-Net of width 16, 8 patches of 96 x 96: {seconds:.3f} s of CPU a step")


main()

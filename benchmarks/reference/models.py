"""The report's networks in torch's default layout: convolution, batch norm, activation, dropout, pool."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

LATENT_DIM = 128
Dropout = Callable[[float], nn.Module]


def build_encoder(activation: nn.Module, dropout: nn.Module) -> nn.Sequential:
    """Return three stages: (B, 1, 64, 64) to (B, 128, 8, 8)."""
    layers: list[nn.Module] = []
    for n_in, n_out in ((1, 32), (32, 64), (64, 128)):
        layers += [
            nn.Conv2d(n_in, n_out, kernel_size=3, stride=1, padding=1),
            nn.BatchNorm2d(n_out),
            activation,
            dropout,
            nn.MaxPool2d(2, 2),
        ]
    return nn.Sequential(*layers)


def build_decoder(activation: nn.Module) -> nn.Sequential:
    """Return three doublings: (B, 128, 8, 8) to (B, 1, 64, 64) in [0, 1]."""
    return nn.Sequential(
        nn.ConvTranspose2d(128, 64, kernel_size=2, stride=2),
        nn.BatchNorm2d(64),
        activation,
        nn.ConvTranspose2d(64, 32, kernel_size=2, stride=2),
        nn.BatchNorm2d(32),
        activation,
        nn.ConvTranspose2d(32, 1, kernel_size=2, stride=2),
        nn.Sigmoid(),
    )


class AutoEncoder(nn.Module):
    """The report's autoencoder."""

    def __init__(self, *, dropout: Dropout = nn.Dropout2d, share_dropped: float = 0.2) -> None:
        super().__init__()
        activation = nn.ReLU()
        self.encoder = build_encoder(activation, dropout(share_dropped))
        self.decoder = build_decoder(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of a batch, (B, 1, 64, 64)."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


class VariationalAutoEncoder(nn.Module):
    """The report's variational autoencoder; it samples in evaluation, too."""

    def __init__(
        self,
        *,
        dropout: Dropout = nn.Dropout2d,
        share_dropped: float = 0.2,
        draw: Callable[[Tensor], Tensor] = torch.randn_like,
    ) -> None:
        super().__init__()
        activation = nn.LeakyReLU(0.1, inplace=True)
        self.draw = draw
        self.encoder = build_encoder(activation, dropout(share_dropped))
        self.fc_mu = nn.Linear(128 * 8 * 8, LATENT_DIM)
        self.fc_logvar = nn.Linear(128 * 8 * 8, LATENT_DIM)
        self.fc_decoder = nn.Linear(LATENT_DIM, 128 * 8 * 8)
        self.decoder = build_decoder(activation)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return reconstruction (B, 1, 64, 64), mean and log variance of the code (B, 128)."""
        features = torch.flatten(self.encoder(x), start_dim=1)
        mu, log_var = self.fc_mu(features), self.fc_logvar(features)
        z = mu + self.draw(mu) * torch.exp(0.5 * log_var)
        maps = self.fc_decoder(z).view(-1, 128, 8, 8)
        return self.decoder(maps), mu, log_var
